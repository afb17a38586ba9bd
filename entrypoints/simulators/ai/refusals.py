"""Answers other than 200, in OpenAI's shape: ``{"error": {"message", "type", "param", "code"}}``.

Source: https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import attrs
from aiohttp import web


@attrs.frozen
class Refused(Exception):
    """The request gets an error for its answer."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    retry_after_seconds: int | None = None

    def answer(self) -> web.Response:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        headers = {} if self.retry_after_seconds is None else {"Retry-After": str(self.retry_after_seconds)}
        return web.json_response({"error": error}, status=self.status, headers=headers)


def overloaded(retry_after_seconds: int | None) -> Refused:
    return Refused(
        503,
        "The simulated AI service is overloaded, by chance. Send the request again.",
        code="service_unavailable",
        retry_after_seconds=retry_after_seconds,
    )
