"""Packets as a PBX sends them."""

from __future__ import annotations

import base64

import orjson

from benchmarks.load.packets import PACKET_BYTES, as_base64, json_packet, ndjson_body, sounds


def test_a_packet_is_json_with_20_ms_of_sound_in_it() -> None:
    contents = sounds()
    packet = orjson.loads(json_packet(50, as_base64(contents)[3]))
    assert base64.b64decode(packet["data"]) == contents[3]
    assert len(contents[3]) == PACKET_BYTES
    assert (packet["sequence"], packet["timestamp"]) == (50, 1_700_000_001.0)


def test_a_body_of_many_has_a_packet_a_line_from_the_first_on() -> None:
    body = ndjson_body(21, 10, as_base64([b"a", b"b"]))
    assert body.endswith(b"\n")
    assert [orjson.loads(line)["sequence"] for line in body.splitlines()] == list(range(21, 31))


def test_a_body_of_a_thousand_is_smaller_than_4_mib() -> None:
    assert len(ndjson_body(10**9, 1000, as_base64(sounds()))) < 4 * 2**20
