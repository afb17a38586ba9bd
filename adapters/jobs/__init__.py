"""The durable job queue, and the runner of background tasks."""
