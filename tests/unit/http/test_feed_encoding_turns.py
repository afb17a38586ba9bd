"""However much is encoded, it is the same as one thing by itself, and others have their turn amid it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
import pytest

from application.feed_events import AiHealth, CallProgressed, FeedEvent, SnapshotTaken
from application.turns import THINGS_PER_TURN
from domain.call import Call
from domain.call_state import CallState
from entrypoints.http.call_views import call_summary
from entrypoints.http.feed_encoding import encode
from entrypoints.http.structuring import converter
from tests.contract.storage.rich_calls import at

CALLS = [Call.start(f"c-{number}", at(number)) for number in range(4 * THINGS_PER_TURN)]
AI = AiHealth(
    is_configured=True, attempts=1, failures=0, waiting=2, processing=0, oldest_waiting_seconds=None
)
SNAPSHOT = SnapshotTaken("here/1:1:", at(0), dict.fromkeys(CallState, 1), CALLS, AI)
PROGRESS = [CallProgressed(at(0), call.call_id, 1, None, ()) for call in CALLS]


@pytest.mark.parametrize("events", [[SNAPSHOT], PROGRESS], ids=["a snapshot", "progress"])
async def test_much_is_encoded_in_turns(events: Sequence[FeedEvent]) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    await encode(events)
    waiting.cancel()
    assert turns == 4


async def test_a_snapshot_has_its_calls_in_their_place() -> None:
    (snapshot,) = (await encode([SNAPSHOT]))._events
    data = orjson.loads(snapshot.data)
    assert list(data) == ["at", "calls_by_state", "live", "ai"]
    summaries = [converter.unstructure(call_summary(call)) for call in CALLS]
    assert data["live"] == orjson.loads(orjson.dumps(summaries))
