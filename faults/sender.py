"""Sends a request as a PBX does: again and again, until it is told what became of it."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import aiohttp
import attrs
import orjson

from faults.hanging_up import send_and_hang_up
from faults.history import Action, HistoryWriter
from faults.wire_request import WireRequest, wire_request

ANSWER_SECONDS: Final = 15
_AGAIN_AFTER_SECONDS: Final = (0.1, 0.5)
_UNAVAILABLE: Final = 503


@attrs.frozen
class Answer:
    status: int
    body: dict[str, Any]

    @property
    def is_acknowledgement(self) -> bool:
        return 200 <= self.status < 300


@attrs.frozen
class Sender:
    """``hang_up_share`` of the attempts break off at some point of the request, or before its answer."""

    url: str
    history: HistoryWriter
    session: aiohttp.ClientSession
    dice: random.Random
    hang_up_share: float = 0.0

    async def until_told(self, action: Action, call_id: str, body: dict[str, Any]) -> Answer:
        """The same request until there is an answer other than 503; its pauses have some chance in them."""
        while True:
            answer = await self.once(action, call_id, body)
            if answer is not None and answer.status != _UNAVAILABLE:
                return answer
            await asyncio.sleep(self.dice.uniform(*_AGAIN_AFTER_SECONDS))

    async def once(self, action: Action, call_id: str, body: dict[str, Any]) -> Answer | None:
        """One attempt; None where there was no answer."""
        request = wire_request(action, call_id, body)
        number = await self.history.attempt(action, call_id, body)
        if action != "read" and self.dice.random() < self.hang_up_share:
            told = await send_and_hang_up(self.url, request, self.dice)
            self.history.outcome(number, None, {}, told)
            return None
        try:
            answer = await self._ask(request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self.history.outcome(number, None, {}, type(error).__name__)
            return None
        self.history.outcome(number, answer.status, answer.body, None)
        return answer

    async def _ask(self, request: WireRequest) -> Answer:
        async with self.session.request(
            request.method,
            self.url + request.path,
            data=request.payload,
            headers={"Content-Type": request.content_type},
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        ) as response:
            return Answer(response.status, orjson.loads(await response.read()))
