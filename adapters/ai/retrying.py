"""Which failures of an AI service are worth another try within a run, and when."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import attrs
import stamina
import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from adapters.ai.provider import AIProvider
from application.errors import AIUnavailable

T = TypeVar("T")

_log = structlog.get_logger("trunkline.ai")


@attrs.frozen
class WorthRetrying:
    """Stamina's backoff hook: only AIUnavailable is retried, never a cancellation or a bug.

    A Retry-After longer than the usual first wait sets the wait, with jitter on top. One longer than
    ``max_wait_seconds`` ends the run: the error leaves, and the schedule between runs respects it.
    """

    wait_seconds: float
    max_wait_seconds: float

    @property
    def jitter_seconds(self) -> float:
        return self.wait_seconds / 2

    def __call__(self, error: Exception) -> bool | float:
        """False: no. True: after the usual wait. A number: after so many seconds."""
        if not isinstance(error, AIUnavailable):
            return False
        asked = error.retry_after_seconds
        if asked is None:
            return True
        if asked > self.max_wait_seconds:
            return False
        if asked <= self.wait_seconds:
            return True
        jitter = random.uniform(0, self.jitter_seconds)  # noqa: S311 - spreads load, guards nothing
        return min(asked + jitter, self.max_wait_seconds)


async def with_retries(provider: AIProvider, attempt: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What ``attempt`` gives, tried as often as the provider's settings allow. Raises its last error."""
    decide = WorthRetrying(provider.retry_wait_seconds, provider.retry_max_wait_seconds)
    retried = stamina.retry(
        on=decide,
        attempts=provider.retry_attempts,
        timeout=None,
        wait_initial=provider.retry_wait_seconds,
        wait_max=provider.retry_max_wait_seconds,
        wait_jitter=decide.jitter_seconds,
    )
    return await retried(attempt)()


def log_retries_without_arguments() -> None:
    """Have stamina log, in this process, what is retried when and why, and nothing that was sent.

    Its own hooks would log arguments, and so audio and transcripts.
    """
    set_on_retry_hooks([_log_retry])


def _log_retry(details: RetryDetails) -> None:
    _log.warning(
        "retry_scheduled",
        callable=details.name,
        retry=details.retry_num,
        cause=type(details.caused_by).__name__,
        wait_seconds=round(details.wait_for, 3),
        waited_seconds=round(details.waited_so_far, 3),
    )
