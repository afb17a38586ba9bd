"""The one table of routes: what the application serves and the OpenAPI document describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from aiohttp.typedefs import Handler

from entrypoints.http import feed_wire, spooled_wire, supervision_wire, wire
from entrypoints.http.feed import FeedHandlers
from entrypoints.http.health import HealthHandlers
from entrypoints.http.ingestion import IngestionHandlers
from entrypoints.http.packet_lines import NDJSON
from entrypoints.http.packet_socket import PacketSocketHandlers
from entrypoints.http.reading import ReadingHandlers
from entrypoints.http.spool_refusals import SpoolRefusalHandlers
from entrypoints.http.supervision import SupervisionHandlers

PACKET_ROUTE: Final = "/v1/call/stream/{call_id}"

OPERATION: Final = "Operation"
"""The tag of what monitors call."""

_BODY_PROBLEMS: Final = (400, 408, 413, 415, 422)


_PATH_PARAMETERS: Final[Mapping[str, Any]] = {"call_id": wire.CallId, "batch_id": supervision_wire.BatchId}


Answer = type | tuple[type, ...] | str | None
"""The type of a JSON body, or several, of which it has one; the media type of another body; or no body."""


@attrs.frozen
class Header:
    """Of an answer; not of every one of its status, where it is not ``always``."""

    meaning: str
    always: bool = True


@attrs.frozen
class Route:
    """``answers`` has what each success carries.

    ``body_lines`` is the media type of a body that has many of the kind ``body``, a line each.
    ``headers`` has what each header of a request asks for, ``answer_headers`` those of each status.
    ``events`` has the data of each kind of event, where the answer is a stream of them.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    body: type | None = None
    body_is_optional: bool = False
    body_lines: str | None = None
    query: type | None = None
    headers: Mapping[str, str] = {}
    answer_headers: Mapping[int, Mapping[str, Header]] = {}
    events: Mapping[str, type] | None = None
    tag: str = "Calls"

    @property
    def operation_id(self) -> str:
        return self.handler.__name__

    @property
    def path_parameters(self) -> dict[str, Any]:
        """The type of each."""
        return {name: kind for name, kind in _PATH_PARAMETERS.items() if f"{{{name}}}" in self.path}


_PRECONDITIONS: Final[Mapping[str, str]] = {
    "If-None-Match": "304 where it is one of these versions",
    "If-Match": "412 where it is none of these versions",
}
_RANGE_HEADERS: Final[Mapping[str, str]] = {
    "Range": "one range, `bytes=0-1023`, `bytes=1024-` or `bytes=-1024`; for several, the whole is sent",
    "If-Range": "the version of which the range is wanted; of another one, the whole is sent",
}
_VERSION: Final = Header("a strong validator")
_RANGES: Final = Header("`bytes`, or `none` while packets are still taken")
_PLACE: Final = Header("which bytes of how many")
_AUDIO_HEADERS: Final[Mapping[int, Mapping[str, Header]]] = {
    200: {"Accept-Ranges": _RANGES, "ETag": attrs.evolve(_VERSION, always=False)},
    206: {"Accept-Ranges": _RANGES, "ETag": _VERSION, "Content-Range": _PLACE},
    304: {"Accept-Ranges": _RANGES, "ETag": attrs.evolve(_VERSION, always=False)},
    416: {"Content-Range": Header("`bytes */` and how many there are")},
}


def ingestion_routes(handlers: IngestionHandlers, socket: PacketSocketHandlers) -> tuple[Route, ...]:
    return (
        Route(
            "POST",
            "/v1/call/init",
            handlers.init,
            "Start a call. The same again: 200; with other media or metadata: 409.",
            {201: (wire.InitAnswer, spooled_wire.SpooledInitAnswer), 200: wire.InitAnswer},
            (*_BODY_PROBLEMS, 409, 503),
            body=wire.InitRequest,
            tag="Ingestion",
        ),
        Route(
            "POST",
            PACKET_ROUTE,
            handlers.stream,
            "Store a packet, or up to 1,000 as lines of NDJSON: all of them or none. Answered once they are "
            "durable; a packet of an unknown call starts the call.",
            {
                202: (
                    wire.PacketAnswer,
                    wire.DeliveryAnswer,
                    spooled_wire.SpooledPacketAnswer,
                    spooled_wire.SpooledDeliveryAnswer,
                )
            },
            (*_BODY_PROBLEMS, 409, 503),
            body=wire.PacketRequest,
            body_lines=NDJSON,
            tag="Ingestion",
        ),
        Route(
            "GET",
            "/v1/call/stream/{call_id}/ws",
            socket.socket,
            "Store packets over a WebSocket, acknowledged after the commit; docs/packets-by-websocket.md.",
            {101: None},
            (400, 403, 422, 503),
            query=wire.SocketQuery,
            tag="Ingestion",
        ),
        Route(
            "POST",
            "/v1/call/complete/{call_id}",
            handlers.complete,
            "Say that a call is over. Harmless when repeated.",
            {202: (wire.CompleteAnswer, spooled_wire.SpooledCompleteAnswer)},
            (*_BODY_PROBLEMS, 404, 503),
            body=wire.CompleteRequest,
            body_is_optional=True,
            tag="Ingestion",
        ),
        Route(
            "POST",
            "/v1/calls/{call_id}/reprocess",
            handlers.reprocess,
            "Have the AI work again on a call that is ARCHIVED or FAILED.",
            {202: wire.ReprocessAnswer},
            (404, 409, 503),
        ),
    )


def reading_routes(handlers: ReadingHandlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "/v1/calls",
            handlers.calls,
            "Calls, newest first.",
            {200: wire.CallList},
            (422, 503),
            query=wire.CallListQuery,
        ),
        Route(
            "GET",
            "/v1/calls/{call_id}",
            handlers.call,
            "One call: state, streams, what the AI found, history.",
            {200: wire.CallDetails},
            (404, 503),
        ),
        Route(
            "GET",
            "/v1/calls/{call_id}/packets",
            handlers.packets,
            "What was stored, as it was sent, by stream and sequence.",
            {200: wire.PacketList},
            (404, 422, 503),
            query=wire.PacketListQuery,
        ),
        Route(
            "GET",
            "/v1/calls/{call_id}/audio.wav",
            handlers.audio,
            "The call's audio, one channel a stream, missing packets as silence; or one stream alone. "
            "In ranges, once the call takes no packets any more.",
            {200: "audio/wav", 206: "audio/wav", 304: None},
            (404, 409, 412, 416, 422, 503),
            query=supervision_wire.AudioQuery,
            headers={**_RANGE_HEADERS, **_PRECONDITIONS},
            answer_headers=_AUDIO_HEADERS,
        ),
        Route(
            "HEAD",
            "/v1/calls/{call_id}/audio.wav",
            handlers.audio_head,
            "How long that is, and its version.",
            {200: "audio/wav", 304: None},
            (404, 409, 412, 422, 503),
            query=supervision_wire.AudioQuery,
            headers=_PRECONDITIONS,
            answer_headers={status: _AUDIO_HEADERS[status] for status in (200, 304)},
        ),
        Route(
            "GET",
            "/v1/calls/{call_id}/waveform",
            handlers.waveform,
            "How loud the call's streams are over its time, and where packets are missing.",
            {200: supervision_wire.WaveformAnswer},
            (404, 409, 422, 503),
            query=supervision_wire.WaveformQuery,
        ),
    )


def supervision_routes(handlers: SupervisionHandlers, feed: FeedHandlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "/v1/events",
            feed.events,
            "What happens to all calls, as server-sent events: a snapshot, and then every change. "
            "docs/feed.md.",
            {200: "text/event-stream"},
            (422, 503),
            query=feed_wire.FeedQuery,
            events=feed_wire.EVENTS,
            tag="Supervision",
        ),
        Route(
            "GET",
            "/v1/events/ws",
            feed.events_socket,
            "The same over a WebSocket, each event a message of JSON.",
            {101: None},
            (400, 403, 422, 503),
            query=feed_wire.FeedQuery,
            events={"": feed_wire.SocketEvent},
            tag="Supervision",
        ),
        Route(
            "GET",
            "/v1/failures",
            handlers.failures,
            "Calls that are FAILED, by reason; the largest group first.",
            {200: supervision_wire.FailureGroups},
            (503,),
            tag="Supervision",
        ),
        Route(
            "POST",
            "/v1/reprocess",
            handlers.reprocess_many,
            "Reprocess many calls, so many a second. It goes on over restarts.",
            {202: supervision_wire.ReprocessManyAnswer},
            (*_BODY_PROBLEMS, 503),
            body=supervision_wire.ReprocessManyRequest,
            tag="Supervision",
        ),
        Route(
            "GET",
            "/v1/reprocess",
            handlers.reprocess_batches,
            "What is being reprocessed, then what was finished within the last hour; each the newest first, "
            "20 in all.",
            {200: supervision_wire.ReprocessBatches},
            (503,),
            tag="Supervision",
        ),
        Route(
            "GET",
            "/v1/reprocess/{batch_id}",
            handlers.reprocess_progress,
            "How far that is.",
            {200: supervision_wire.ReprocessProgress},
            (404, 503),
            tag="Supervision",
        ),
    )


def spool_routes(handlers: SpoolRefusalHandlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "/v1/spool/refusals",
            handlers.spool_refusals,
            "What was acknowledged as spooled while the database was away, and then refused; newest first.",
            {200: spooled_wire.SpoolRefusalList},
            (422, 503),
            query=spooled_wire.SpoolRefusalQuery,
            tag=OPERATION,
        ),
    )


def health_routes(handlers: HealthHandlers) -> tuple[Route, ...]:
    return (
        Route("GET", "/livez", handlers.livez, "Is the process alive?", {200: wire.Health}, tag=OPERATION),
        Route(
            "GET",
            "/readyz",
            handlers.readyz,
            "Can it take calls? Names each dependency.",
            {200: wire.Health, 503: wire.Health},
            tag=OPERATION,
        ),
        Route(
            "GET",
            "/metrics",
            handlers.metrics,
            "Numbers for Prometheus.",
            {200: "text/plain"},
            tag=OPERATION,
        ),
    )
