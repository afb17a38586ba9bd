"""What an AI service answered, and what is to be made of it where it is no success."""

from __future__ import annotations

import json
from typing import Final, Literal

import attrs

from adapters.ai.text import one_line, repeats
from application.errors import AIError, AIRefused, AIUnavailable

Step = Literal["transcription", "analysis"]

_WORTH_RETRYING: Final = frozenset({408, 409, 425, 429})
_MESSAGE_CHARACTERS: Final = 200
_MOST_VALUES: Final = 100_000
"""Counted by brackets, braces and colons. To parse more would hold up the loop, and so the packets."""


class FormRefused(Exception):
    """The service does not take this form of the request; another may do."""


@attrs.frozen
class ProviderAnswer:
    """One HTTP answer. ``is_whole`` is False where the body is past the bound on its size, and left out.

    ``private`` is what no error may repeat: the key, and the words that were sent.
    """

    step: Step
    status: int
    body: bytes = attrs.field(repr=False)
    is_whole: bool = True
    retry_after_seconds: float | None = None
    private: tuple[str, ...] = attrs.field(default=(), repr=False)

    def require_ok(self) -> None:
        """Raises AIUnavailable where another try may succeed, AIRefused where none can."""
        if not 200 <= self.status < 300:
            raise self._error()

    def json_object(self) -> dict[str, object]:
        """The body. Raises AIUnavailable where it is no JSON object."""
        if not self.is_whole:
            raise self.rubbish("is too large")
        parsed = _parsed(self.body)
        if not isinstance(parsed, dict):
            raise self.rubbish("is no JSON object")
        return parsed

    def rubbish(self, what: str) -> AIUnavailable:
        """The error for an answer that claims success and is none. ``what`` goes on: "the answer ..."."""
        return AIUnavailable(f"{self.step}: the answer {what}")

    def _error(self) -> AIError:
        message = self._message()
        detail = f"{self.step}: HTTP {self.status} from the AI service" + (f": {message}" if message else "")
        if self.status >= 500 or self.status in _WORTH_RETRYING:
            return AIUnavailable(detail, self.retry_after_seconds)
        return AIRefused(detail)

    def _message(self) -> str:
        """``error.message`` of the body, or what stands for it in some services' errors."""
        parsed = _parsed(self.body)
        error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        if not isinstance(message, str):
            return ""
        shown = one_line(message, _MESSAGE_CHARACTERS)
        if any(repeats(shown, private) for private in self.private):
            return "(its message repeats what is private)"
        return shown


def _parsed(body: bytes) -> object:
    """None for what is no JSON, or a swarm of values."""
    if sum(map(body.count, (b"[", b"{", b":"))) > _MOST_VALUES:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
