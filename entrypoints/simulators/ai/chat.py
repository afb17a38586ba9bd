"""``POST /v1/chat/completions``. Source: https://platform.openai.com/docs/api-reference/chat

The conversation's last user message is what is analysed, or the part of it between ``<transcript>`` and
``</transcript>``.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs
import orjson
from aiohttp import web

from entrypoints.simulators.ai.analysis import Analysis, analyse
from entrypoints.simulators.ai.keys import Answer
from entrypoints.simulators.ai.refusals import Refused
from entrypoints.simulators.ai.schema_fit import DoesNotFit, fit

FINGERPRINT: Final = "trunkline-simulation"
CHARACTERS_PER_TOKEN: Final = 4


@attrs.frozen
class ChatQuestion:
    """``schema`` is None where plain text was asked for, and empty for any JSON object."""

    model: str
    transcript: str
    schema: Mapping[str, Any] | None
    digest: str

    async def answer(self) -> Answer:
        """Raises Refused."""
        content = self._content(analyse(self.transcript))
        asked_tokens = len(self.transcript) // CHARACTERS_PER_TOKEN + 1
        answered_tokens = len(content) // CHARACTERS_PER_TOKEN + 1
        body = {
            "id": f"chatcmpl-simulation-{self.digest[:24]}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": None},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": asked_tokens,
                "completion_tokens": answered_tokens,
                "total_tokens": asked_tokens + answered_tokens,
            },
        }
        return Answer(self.digest, orjson.dumps(body), "application/json")

    def _content(self, analysis: Analysis) -> str:
        if self.schema is None:
            sentiment = analysis.sentiment
            return f"{analysis.summary}\nSentiment: {sentiment.label} ({sentiment.score:g})"
        try:
            return orjson.dumps(fit(analysis.as_json(), self.schema)).decode()
        except DoesNotFit as error:
            raise Refused(400, f"Invalid schema for response_format: {error}", "response_format") from None


async def read_chat_question(request: web.Request) -> ChatQuestion:
    """Raises Refused."""
    raw = await request.read()
    try:
        body = orjson.loads(raw)
    except ValueError:
        raise Refused(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The JSON body of your request must be an object.")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "you must provide a model parameter", "model")
    if body.get("stream"):
        raise Refused(400, "This simulation does not stream.", "stream", "unsupported_value")
    return ChatQuestion(
        model,
        _transcript(body.get("messages")),
        _schema(body.get("response_format")),
        hashlib.sha256(raw).hexdigest(),
    )


def _transcript(messages: Any) -> str:
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "'messages' must be a non-empty array", "messages")
    texts = [
        _text(message) for message in messages if isinstance(message, dict) and message.get("role") == "user"
    ]
    if not texts:
        raise Refused(400, "This simulation needs a message with the role 'user'", "messages")
    _, opened, rest = texts[-1].partition("<transcript>")
    return rest.rpartition("</transcript>")[0] if opened and "</transcript>" in rest else texts[-1]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) and "text" in part for part in content):
        return "\n".join(str(part["text"]) for part in content)
    raise Refused(400, "a message's content must be text", "messages")


def _schema(response_format: Any) -> Mapping[str, Any] | None:
    match response_format:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {}
        case {"type": "json_schema", "json_schema": {"name": str(), "schema": dict(schema)}}:
            return schema
        case _:
            raise Refused(
                400,
                "response_format must be of type text, json_object, or json_schema with a name and a schema",
                "response_format",
            )
