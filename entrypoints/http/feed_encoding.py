"""Events of the feed as the bytes that are sent: made once, for all who read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, assert_never

import attrs
import orjson

from application.feed_events import (
    AiHealth,
    CallProgressed,
    FeedEvent,
    GapStood,
    OverviewTaken,
    SnapshotTaken,
)
from application.feed_ports import Change
from application.turns import in_turns
from domain.call_state import CallState
from entrypoints.http import feed_wire
from entrypoints.http.call_views import call_summary, history_entry
from entrypoints.http.structuring import converter
from entrypoints.http.websocket_frames import LONGEST_FRAME_BYTES, PING, text_frames

LONGEST_ID_CHARACTERS: Final = 6_000
"""A header, or a line of a request, that is longer than 8 kB does not come through."""
NOWHERE: Final = "-"
"""Instead of an id that is longer: who resumes from it gets a snapshot."""
SLICE_BYTES: Final = LONGEST_FRAME_BYTES
"""So much is given to a connection at a time."""
FRAMING_BYTES: Final = len(b"id: \nevent: \ndata: \n\n")


@attrs.frozen
class _Encoded:
    """``place`` is the id to resume from, where there is one."""

    kind: str
    place: str | None
    data: bytes

    @property
    def id(self) -> str | None:
        too_long = self.place is not None and len(self.place) > LONGEST_ID_CHARACTERS
        return NOWHERE if too_long else self.place

    @property
    def byte_count(self) -> int:
        return len(self.kind) + len(self.id or "") + len(self.data) + FRAMING_BYTES


@attrs.frozen(slots=False, eq=False)
class FeedChunk:
    """Events that are sent together, in the forms that there are, each made when first asked for."""

    _events: tuple[_Encoded, ...]

    @cached_property
    def server_sent(self) -> tuple[memoryview, ...]:
        """As https://html.spec.whatwg.org/multipage/server-sent-events.html has it, in slices."""
        all_of_it = memoryview(b"".join(_server_sent(event) for event in self._events))
        return tuple(
            all_of_it[start : start + SLICE_BYTES] for start in range(0, len(all_of_it), SLICE_BYTES)
        )

    @cached_property
    def server_sent_in_chunks(self) -> tuple[bytes, ...]:
        """The same in HTTP/1.1's chunked coding, a slice in each."""
        return tuple(_http_chunk(some) for some in self.server_sent)

    @cached_property
    def frames(self) -> tuple[bytes, ...]:
        """A message of JSON for each event, in slices of whole WebSocket frames."""
        return tuple(_slices(frame for event in self._events for frame in text_frames(_message(event))))

    @cached_property
    def byte_count(self) -> int:
        """As server-sent events; as messages it is nearly the same."""
        return sum(event.byte_count for event in self._events)


async def encode(events: Sequence[FeedEvent]) -> FeedChunk:
    return FeedChunk(tuple([await _encoded(event) async for event in in_turns(events)]))


@attrs.frozen
class FeedForm:
    """``slices`` of a chunk as they go out on a connection; ``beat`` says nothing, but that it is alive."""

    slices: Callable[[FeedChunk], Sequence[bytes | memoryview]]
    beat: bytes


def _http_chunk(some: bytes | memoryview) -> bytes:
    return b"".join((b"%x\r\n" % len(some), some, b"\r\n"))


_COMMENT: Final = b": beat\n\n"
SERVER_SENT: Final = FeedForm(lambda chunk: chunk.server_sent, _COMMENT)
SERVER_SENT_IN_CHUNKS: Final = FeedForm(lambda chunk: chunk.server_sent_in_chunks, _http_chunk(_COMMENT))
MESSAGES: Final = FeedForm(lambda chunk: chunk.frames, PING)


def _server_sent(event: _Encoded) -> bytes:
    its_id = b"" if event.id is None else b"id: %s\n" % event.id.encode()
    return b"%sevent: %s\ndata: %s\n\n" % (its_id, event.kind.encode(), event.data)


def _message(event: _Encoded) -> bytes:
    return orjson.dumps({"id": event.id, "event": event.kind, "data": orjson.Fragment(event.data)})


def _slices(frames: Iterable[bytes]) -> Iterator[bytes]:
    joined = bytearray()
    for frame in frames:
        if joined and len(joined) + len(frame) > SLICE_BYTES:
            yield bytes(joined)
            joined.clear()
        joined += frame
    if joined:
        yield bytes(joined)


async def _encoded(event: FeedEvent) -> _Encoded:
    match event:
        case Change():
            return _Encoded("call", event.place, _json(_call_event(event)))
        case SnapshotTaken():
            return _Encoded("snapshot", event.place, await _snapshot(event))
        case CallProgressed():
            return _Encoded("progress", None, _json(_progress(event)))
        case GapStood():
            return _Encoded("gap", None, _json(_gap(event)))
        case OverviewTaken():
            return _Encoded("overview", None, _json(_overview(event)))
        case _:
            assert_never(event)


def _json(data: attrs.AttrsInstance) -> bytes:
    return orjson.dumps(converter.unstructure(data))


def _call_event(change: Change) -> feed_wire.CallEvent:
    entry = history_entry(change.recorded)
    return feed_wire.CallEvent(
        change.call_id, entry.version, entry.event, entry.at, entry.state, entry.detail
    )


async def _snapshot(snapshot: SnapshotTaken) -> bytes:
    """It may have a thousand calls: each is encoded by itself, and then put in its place."""
    live = [orjson.Fragment(_json(call_summary(call))) async for call in in_turns(snapshot.live)]
    event = feed_wire.SnapshotEvent(snapshot.at, _by_state(snapshot.counts), (), _ai_state(snapshot.ai))
    return orjson.dumps(converter.unstructure(event) | {"live": live})


def _progress(progress: CallProgressed) -> feed_wire.ProgressEvent:
    streams = tuple(
        feed_wire.StreamReceived(
            stream.stream,
            stream.received,
            stream.duplicates,
            stream.next_expected,
            stream.missing,
            stream.duration_seconds,
        )
        for stream in progress.streams
    )
    return feed_wire.ProgressEvent(
        progress.call_id, progress.at, progress.packets, progress.duration_seconds, streams
    )


def _gap(gap: GapStood) -> feed_wire.GapEvent:
    return feed_wire.GapEvent(gap.call_id, gap.at, gap.stream, gap.missing)


def _overview(overview: OverviewTaken) -> feed_wire.OverviewEvent:
    return feed_wire.OverviewEvent(
        at=overview.at,
        calls_by_state=_by_state(overview.counts) if overview.counts is not None else None,
        packets_per_second=round(overview.packets_per_second, 1),
        ack_latency_ms=feed_wire.AckLatency(
            _milliseconds(overview.ack_p50_seconds), _milliseconds(overview.ack_p99_seconds)
        ),
        ai=_ai_state(overview.ai),
        durability="degraded" if overview.is_degraded else "ready",
        spooled_requests=overview.spooled_requests,
    )


def _ai_state(ai: AiHealth) -> feed_wire.AiState:
    return feed_wire.AiState(
        ai.is_configured, ai.attempts, ai.failures, ai.waiting, ai.processing, ai.oldest_waiting_seconds
    )


def _by_state(counts: Mapping[CallState, int]) -> dict[str, int]:
    return {state.value: counts[state] for state in CallState}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 2)
