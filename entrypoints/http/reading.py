"""Looking at calls."""

from __future__ import annotations

from aiohttp import web

from application.call_queries import CallQueries
from application.ports import PacketPosition, Wanted
from application.search_words import search_words
from domain.packet import MAX_SEQUENCE
from entrypoints.http import cursors, supervision_wire, wire
from entrypoints.http.answers import json_answer
from entrypoints.http.call_ids import id_of_known_call
from entrypoints.http.call_views import call_details, call_summary, packet_view
from entrypoints.http.queries import read_query
from entrypoints.http.wav_answers import wav_answer


class ReadingHandlers:
    def __init__(self, queries: CallQueries) -> None:
        self._queries = queries

    async def call(self, request: web.Request) -> web.Response:
        return json_answer(call_details(await self._queries.call(id_of_known_call(request))))

    async def calls(self, request: web.Request) -> web.Response:
        query = read_query(request, wire.CallListQuery)
        after = cursors.call_position(query.after) if query.after is not None else None
        wanted = Wanted(query.state, query.failure_reason, search_words(query.search or ""))
        calls, following = await self._queries.newest(wanted, after, query.limit)
        return json_answer(
            wire.CallList(
                tuple(call_summary(call) for call in calls),
                cursors.of_call(following) if following else None,
            )
        )

    async def packets(self, request: web.Request) -> web.Response:
        query = read_query(request, wire.PacketListQuery)
        call, packets, following = await self._queries.packets(
            id_of_known_call(request), query.stream, _packet_position(query), query.limit
        )
        return json_answer(
            wire.PacketList(
                tuple(packet_view(call, packet) for packet in packets),
                cursors.of_packet(following) if following else None,
            )
        )

    async def audio(self, request: web.Request) -> web.StreamResponse:
        stream = read_query(request, supervision_wire.AudioQuery).stream
        return await wav_answer(request, await self._queries.wav(id_of_known_call(request), stream))

    async def audio_head(self, request: web.Request) -> web.StreamResponse:
        return await self.audio(request)

    async def waveform(self, request: web.Request) -> web.Response:
        points = read_query(request, supervision_wire.WaveformQuery).points
        waveform = await self._queries.waveform(id_of_known_call(request), points)
        return json_answer(
            supervision_wire.WaveformAnswer(
                waveform.duration_seconds,
                tuple(
                    supervision_wire.StreamPeaks(stream.stream, tuple(stream.peaks), tuple(stream.gaps))
                    for stream in waveform.streams
                ),
            )
        )


def _packet_position(query: wire.PacketListQuery) -> PacketPosition | None:
    if query.after is None:
        return None
    if query.stream is not None and query.after.isascii() and query.after.isdigit():
        return PacketPosition(query.stream, min(int(query.after[:20]), MAX_SEQUENCE))
    return cursors.packet_position(query.after)
