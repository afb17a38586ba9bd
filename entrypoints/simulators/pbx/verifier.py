"""Holds what the service stored against what it acknowledged."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from entrypoints.simulators.pbx.call_plan import FIRST_SEQUENCE
from entrypoints.simulators.pbx.exchange import STREAM, PlacedCall
from entrypoints.simulators.pbx.link import CannotRead, ServiceLink

PAGE: Final = 1_000
COMPLETED_STATES: Final = frozenset({"COMPLETED", "PROCESSING_AI", "ARCHIVED", "FAILED"})


class Verifier:
    """``packets`` are the audio bytes that each call sent, from the first sequence on."""

    def __init__(self, link: ServiceLink, packets: Sequence[bytes]) -> None:
        self._link = link
        self._packets = packets

    async def faults(self, call: PlacedCall) -> list[str]:
        """A line for each promise that was not kept: none is good."""
        try:
            stored, repeated = await self._stored(call)
            resource = await self._link.read(f"/v1/calls/{call.call_id}")
            found = [
                *(f"packet {sequence} is stored more than once" for sequence in repeated),
                *self._packet_faults(call, stored),
                *_count_faults(call, resource, len(stored)),
                *_state_faults(call, resource),
            ]
        except CannotRead as error:
            found = [str(error)]
        except (KeyError, TypeError) as error:
            found = [f"the service's answer is not as the contract has it: {error!r}"]
        return [f"{call.call_id}: {fault}" for fault in found]

    async def _stored(self, call: PlacedCall) -> tuple[dict[int, bytes | None], list[int]]:
        """The bytes of each stored sequence (None where they are no base64), and the sequences seen again."""
        stored: dict[int, bytes | None] = {}
        repeated = []
        query = {"stream": STREAM, "limit": str(PAGE)}
        while True:
            page = await self._link.read(f"/v1/calls/{call.call_id}/packets", **query)
            for packet in page.get("packets", ()):
                sequence = packet["sequence"]
                if sequence in stored:
                    repeated.append(sequence)
                stored[sequence] = _decoded(packet["data"])
            if page.get("next") is None or not page.get("packets"):
                return stored, repeated
            query["after"] = str(page["next"])

    def _packet_faults(self, call: PlacedCall, stored: dict[int, bytes | None]) -> list[str]:
        faults = []
        for sequence in sorted(call.acknowledged):
            if sequence not in stored:
                faults.append(f"packet {sequence} was acknowledged and is not there")
            elif stored[sequence] != self._packets[sequence - FIRST_SEQUENCE]:
                faults.append(f"packet {sequence} was acknowledged and is there with other bytes")
        unexpected = sorted(stored.keys() - call.acknowledged - call.uncertain)
        return faults + [
            f"packet {sequence} is there, but was never sent or was refused" for sequence in unexpected
        ]


def _count_faults(call: PlacedCall, resource: dict[str, Any], stored: int) -> list[str]:
    streams = {stream["stream"]: stream["received"] for stream in resource.get("streams", ())}
    received = streams.get(STREAM, 0)
    least = len(call.acknowledged)
    most = least + len(call.uncertain - call.acknowledged)
    faults = []
    if not least <= received <= most:
        faults.append(f"{least} packets were acknowledged, and the call says it received {received}")
    if received != stored:
        faults.append(f"the call says it received {received} packets, and lists {stored}")
    return faults


def _state_faults(call: PlacedCall, resource: dict[str, Any]) -> list[str]:
    state = resource.get("state")
    if call.completed and state not in COMPLETED_STATES:
        return [f"its completion was acknowledged, and its state is {state}"]
    return []


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return None
