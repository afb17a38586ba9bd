"""Trunkline over HTTP, as a well-behaved sender uses it."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Final

import aiohttp
import attrs
import orjson

from entrypoints.simulators.pbx.history import History, Outcome, Subject
from entrypoints.simulators.pbx.tally import Tally

LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
SEND_AGAIN: Final = (429, 503)


class CannotRead(Exception):
    """A question to the service got no answer that could be used. The message says which."""


@attrs.frozen
class Patience:
    """How often a request is sent in all, and the first and the longest wait between two times."""

    attempts: int = 12
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 5.0

    def wait_seconds(self, attempt: int, retry_after_seconds: float) -> float:
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2 ** (attempt - 1))
        return max(retry_after_seconds, random.uniform(longest / 2, longest))


PATIENT: Final = Patience()


@attrs.frozen
class Delivery:
    """``FAIL`` only where every attempt was refused; ``answer`` is empty unless ``OK``."""

    outcome: Outcome
    answer: dict[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class _Reply:
    """``status`` is None where no answer came."""

    status: int | None
    body: bytes = b""
    retry_after_seconds: float = 0.0


class ServiceLink:
    """Sends a request again, as it was, on 429, 503, connection errors and time-outs.

    It waits longer each time, and at least as long as Retry-After says.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        history: History,
        tally: Tally,
        patience: Patience = PATIENT,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._history = history
        self._tally = tally
        self._patience = patience

    async def deliver(self, subject: Subject, path: str, body: dict[str, Any]) -> Delivery:
        content = orjson.dumps(body)
        refused_so_far = Outcome.FAIL
        for attempt in range(1, self._patience.attempts + 1):
            reply = await self._recorded(subject, path, content)
            outcome = _outcome(reply.status)
            if outcome is Outcome.OK:
                return Delivery(outcome, _object(reply.body))
            if outcome is Outcome.UNKNOWN:
                refused_so_far = Outcome.UNKNOWN
            if not _worth_repeating(reply):
                self._tally.refusals[f"{subject.kind.value} {reply.status} {_title(reply.body)}"] += 1
                return Delivery(refused_so_far)
            if attempt < self._patience.attempts:
                self._tally.repeats += 1
                await asyncio.sleep(self._patience.wait_seconds(attempt, reply.retry_after_seconds))
        self._tally.unacknowledged += 1
        return Delivery(refused_so_far)

    async def read(self, path: str, **query: str) -> dict[str, Any]:
        """The answer's JSON object. Raises CannotRead."""
        attempt = 1
        reply = await self._request("GET", path, params=query)
        while _worth_repeating(reply) and attempt < self._patience.attempts:
            await asyncio.sleep(self._patience.wait_seconds(attempt, reply.retry_after_seconds))
            attempt += 1
            reply = await self._request("GET", path, params=query)
        if reply.status != 200:
            raise CannotRead(f"GET {path} gave {reply.status or 'no answer'}")
        return _object(reply.body)

    async def _recorded(self, subject: Subject, path: str, content: bytes) -> _Reply:
        number = self._history.invoke(subject)
        reply = _Reply(None)
        started = time.perf_counter()
        try:
            reply = await self._request(
                "POST", path, data=content, headers={"Content-Type": "application/json"}
            )
        finally:
            self._history.outcome(number, subject, _outcome(reply.status), reply.status)
        if reply.status is not None:
            self._tally.latencies_seconds.append(time.perf_counter() - started)
        return reply

    async def _request(self, method: str, path: str, **more: Any) -> _Reply:
        try:
            async with self._session.request(
                method, self._url + path, timeout=TIMEOUT, allow_redirects=False, **more
            ) as response:
                body = await response.read()
                return _Reply(response.status, body, _seconds(response.headers.get("Retry-After", "")))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return _Reply(None)


def _outcome(status: int | None) -> Outcome:
    if status is None or status >= 500:
        return Outcome.UNKNOWN
    return Outcome.OK if 200 <= status < 300 else Outcome.FAIL


def _worth_repeating(reply: _Reply) -> bool:
    return reply.status is None or reply.status in SEND_AGAIN


def _seconds(retry_after: str) -> float:
    return min(float(retry_after), LONGEST_RETRY_AFTER_SECONDS) if retry_after.isdecimal() else 0.0


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _title(body: bytes) -> str:
    problem = _object(body)
    return str(problem.get("detail") or problem.get("title") or "")
