"""Spooled commands as JSON for a person to read, and back.

::

    {"media": {"encoding": …, "sample_rate_hz": …, "channels": …} | null, "metadata": {…} | null}
    {"packets": [{"stream": …, "sequence": …, "timestamp": …, "text": …} | {…, "raw": base64}, …]}
    {"final_sequence": {stream: sequence}}
"""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson

from application.commands import Command, Completion, Start
from domain.delivery import Delivery
from domain.media_format import Encoding, MediaFormat
from domain.packet import IncomingPacket

INIT: Final = "init"
PACKETS: Final = "packets"
COMPLETION: Final = "completion"


def to_json(command: Command) -> tuple[str, str]:
    """What it is, and the JSON."""
    what, entry = _entry(command)
    return what, orjson.dumps(entry).decode()


def _entry(command: Command) -> tuple[str, dict[str, Any]]:
    match command:
        case Start(_, media, metadata):
            return INIT, {"media": _media(media) if media else None, "metadata": metadata}
        case Delivery(_, packets):
            return PACKETS, {"packets": [_packet(packet) for packet in packets]}
        case Completion(_, final_sequences):
            return COMPLETION, {"final_sequence": final_sequences}


def from_json(what: str, call_id: str, text: str) -> Command:
    entry: dict[str, Any] = orjson.loads(text)
    if what == INIT:
        media = entry["media"]
        return Start(
            call_id,
            MediaFormat(Encoding(media["encoding"]), media["sample_rate_hz"], media["channels"])
            if media
            else None,
            entry["metadata"],
        )
    if what == PACKETS:
        return Delivery(call_id, tuple(_incoming(call_id, packet) for packet in entry["packets"]))
    return Completion(call_id, entry["final_sequence"])


def _media(media: MediaFormat) -> dict[str, Any]:
    return {
        "encoding": media.encoding.value,
        "sample_rate_hz": media.sample_rate_hz,
        "channels": media.channels,
    }


def _packet(packet: IncomingPacket) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "stream": packet.stream,
        "sequence": packet.sequence,
        "timestamp": packet.timestamp,
    }
    if isinstance(packet.data, bytes):
        return shown | {"raw": base64.b64encode(packet.data).decode("ascii")}
    return shown | {"text": packet.data}


def _incoming(call_id: str, packet: dict[str, Any]) -> IncomingPacket:
    data = packet["text"] if "text" in packet else base64.b64decode(packet["raw"])
    return IncomingPacket(call_id, packet["stream"], packet["sequence"], packet["timestamp"], data)
