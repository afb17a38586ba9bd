"""What was acknowledged while the database was away, and refused when it was back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from application.commands import Command, Completion, Start
from application.ports import KeptRefusal
from application.spool_refusals import SpoolRefusals
from domain.delivery import Delivery
from domain.packet import IncomingPacket
from entrypoints.http import cursors, spooled_wire, wire
from entrypoints.http.answers import json_answer
from entrypoints.http.queries import read_query
from entrypoints.http.structuring import converter


class SpoolRefusalHandlers:
    def __init__(self, refusals: SpoolRefusals) -> None:
        self._refusals = refusals

    async def spool_refusals(self, request: web.Request) -> web.Response:
        query = read_query(request, spooled_wire.SpoolRefusalQuery)
        after = cursors.refusal_position(query.after) if query.after is not None else None
        kept, following = await self._refusals.newest(after, query.limit)
        return json_answer(
            spooled_wire.SpoolRefusalList(
                tuple(_view(each) for each in kept), cursors.of_refusal(following) if following else None
            )
        )


def _view(kept: KeptRefusal) -> spooled_wire.SpoolRefusal:
    refusal = kept.refusal
    what, request = _request(refusal.entry.command)
    return spooled_wire.SpoolRefusal(
        refusal.entry.entry_id,
        kept.at,
        datetime.fromtimestamp(refusal.entry.at, UTC),
        what,
        refusal.entry.command.call_id,
        refusal.reason,
        refusal.detail,
        request,
    )


def _request(command: Command) -> tuple[spooled_wire.What, dict[str, Any]]:
    match command:
        case Start(_, media, metadata):
            shown = media and wire.Media(media.encoding, media.sample_rate_hz, media.channels)
            return "init", {"media": converter.unstructure(shown), "metadata": metadata}
        case Delivery(_, packets):
            return "packets", {"packets": [_packet(packet) for packet in packets]}
        case Completion(_, final_sequences):
            return "completion", {"final_sequence": final_sequences}


def _packet(packet: IncomingPacket) -> dict[str, Any]:
    data = packet.data
    said = {"text": data} if isinstance(data, str) else {"raw": base64.b64encode(data).decode("ascii")}
    return {"stream": packet.stream, "sequence": packet.sequence, "timestamp": packet.timestamp, **said}
