"""AI services that speak OpenAI's formats, over HTTP."""
