"""A reader of the feed that holds every event against the OpenAPI document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import orjson

from tests.http.description import Description

PATIENCE_SECONDS = 20


@attrs.frozen
class Told:
    """``id`` is empty where the event has none."""

    id: str
    event: str
    data: Any

    @property
    def key(self) -> tuple[str, int]:
        """Of a call's event."""
        return self.data["call_id"], self.data["version"]


@attrs.define
class FeedClient:
    """``last_event_id`` is what it would resume from. Without a description events are taken as they are."""

    _description: Description | None
    _response: aiohttp.ClientResponse
    last_event_id: str = ""

    @property
    def headers(self) -> Any:
        return self._response.headers

    async def next(self) -> Told:
        """The next event. Raises EOFError where the server has ended, TimeoutError where nothing comes."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                line = (await self._response.content.readline()).decode()
                if not line:
                    raise EOFError
                if line == "\n":
                    if "data" in fields:
                        return self._told(fields)
                    fields = {}
                    continue
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value

    def _told(self, fields: dict[str, str]) -> Told:
        told = Told(fields.get("id", ""), fields["event"], orjson.loads(fields["data"]))
        if self._description is not None:
            check_event(self._description, told.event, told.data)
        self.last_event_id = told.id or self.last_event_id
        return told

    async def until(self, wanted: Callable[[Told], bool]) -> list[Told]:
        """Everything up to the first that is wanted."""
        told = [await self.next()]
        while not wanted(told[-1]):
            told.append(await self.next())
        return told

    async def next_change(self) -> Told:
        return (await self.until(lambda told: told.event == "call"))[-1]


def check_event(description: Description, event: str, data: Any) -> None:
    described = description.document["paths"]["/v1/events"]["get"]["responses"]["200"]["x-events"]
    description.check_schema(described[event]["$ref"].rpartition("/")[2], data)


@asynccontextmanager
async def reading(
    url: str, description: Description | None = None, last_event_id: str = ""
) -> AsyncIterator[FeedClient]:
    """What follows the id; the connection is cut at the end."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with (
        aiohttp.ClientSession(read_bufsize=2**22) as session,
        session.get(f"{url}/v1/events", headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield FeedClient(description, response, last_event_id)
        response.close()
