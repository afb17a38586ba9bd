"""What a PBX calls."""

from __future__ import annotations

from aiohttp import web

from application.group_commit import GroupCommit
from application.ingest_or_spool import CompleteOrSpool, StartOrSpool
from application.reprocess_call import ReprocessCall
from application.spool import Spooled
from domain.call_state import CallState
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import CallConflict, DeliveryRefused, InvalidValue
from domain.media_format import MediaFormat
from domain.packet import IncomingPacket
from entrypoints.http import spooled_wire, wire
from entrypoints.http.answers import json_answer
from entrypoints.http.bodies import read_body, read_lines, read_optional_body
from entrypoints.http.call_ids import id_of_known_call, id_of_new_or_known_call
from entrypoints.http.call_views import standing_view
from entrypoints.http.packet_lines import NDJSON, delivery_of_lines

_NOTHING_SAID = wire.CompleteRequest()


class IngestionHandlers:
    """Each answers only after the commit of what it acknowledges, or once it is durable in the spool."""

    def __init__(
        self,
        start_call: StartOrSpool,
        deliveries: GroupCommit[Delivery, DeliveryReceipt | Spooled],
        complete_call: CompleteOrSpool,
        reprocess_call: ReprocessCall,
    ) -> None:
        self._start_call = start_call
        self._deliveries = deliveries
        self._complete_call = complete_call
        self._reprocess_call = reprocess_call

    async def init(self, request: web.Request) -> web.Response:
        body = await read_body(request, wire.InitRequest)
        media = body.media
        media_format = MediaFormat(media.encoding, media.sample_rate_hz, media.channels) if media else None
        started = await self._start_call(body.call_id, media_format, body.metadata)
        if isinstance(started, Spooled):
            spooled = spooled_wire.SpooledInitAnswer(
                "started", "spooled", body.call_id, CallState.IN_PROGRESS
            )
            return json_answer(spooled, 201)
        call, is_new = started
        return json_answer(wire.InitAnswer("started", call.call_id, call.state), 201 if is_new else 200)

    async def stream(self, request: web.Request) -> web.Response:
        self._deliveries.refuse_when_full()
        if request.content_type == NDJSON:
            return await self._stream_lines(request)
        body = await read_body(request, wire.PacketRequest)
        packet = IncomingPacket(
            id_of_new_or_known_call(request), body.stream, body.sequence, body.timestamp, body.data
        )
        receipt = await self._deliveries.submit(packet.call_id, Delivery(packet.call_id, (packet,)))
        if isinstance(receipt, Spooled):
            spooled = spooled_wire.SpooledPacketAnswer(
                "accepted", "spooled", packet.call_id, packet.stream, packet.sequence
            )
            return json_answer(spooled, 202)
        (standing,) = receipt.streams
        return json_answer(
            wire.PacketAnswer(
                "accepted" if receipt.accepted else "duplicate",
                packet.call_id,
                packet.stream,
                packet.sequence,
                standing.next_expected,
                standing.missing,
            ),
            202,
        )

    async def _stream_lines(self, request: web.Request) -> web.Response:
        call_id = id_of_new_or_known_call(request)
        delivery = delivery_of_lines(call_id, await read_lines(request))
        try:
            receipt = await self._deliveries.submit(call_id, delivery)
        except (InvalidValue, CallConflict) as refusal:  # of a line that stands alone; it is named as well
            raise DeliveryRefused({0: refusal}) from None
        if isinstance(receipt, Spooled):
            return json_answer(spooled_wire.SpooledDeliveryAnswer("accepted", "spooled", call_id), 202)
        return json_answer(
            wire.DeliveryAnswer(
                "accepted",
                receipt.call_id,
                receipt.accepted,
                receipt.duplicates,
                tuple(standing_view(standing) for standing in receipt.streams),
            ),
            202,
        )

    async def complete(self, request: web.Request) -> web.Response:
        body = await read_optional_body(request, wire.CompleteRequest, _NOTHING_SAID)
        call_id = id_of_known_call(request)
        call = await self._complete_call(call_id, body.final_sequence)
        if isinstance(call, Spooled):
            spooled = spooled_wire.SpooledCompleteAnswer("completed", "spooled", call_id, CallState.COMPLETED)
            return json_answer(spooled, 202)
        return json_answer(wire.CompleteAnswer("completed", call.call_id, call.state, call.missing()), 202)

    async def reprocess(self, request: web.Request) -> web.Response:
        call = await self._reprocess_call(id_of_known_call(request))
        return json_answer(wire.ReprocessAnswer("reprocessing", call.call_id, call.state), 202)
