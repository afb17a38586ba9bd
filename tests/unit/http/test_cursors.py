"""Places in lists, out to the client and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports import CallPosition, PacketPosition
from domain.call import CALL_ID
from domain.packet import MAX_SEQUENCE
from domain.stream_names import STREAM_NAME
from entrypoints.http import cursors
from entrypoints.http.structuring import MalformedBody

CALL_IDS = st.from_regex(CALL_ID, fullmatch=True)


@given(st.datetimes(timezones=st.just(UTC)), CALL_IDS)
def test_the_place_of_a_call_comes_back(started_at: datetime, call_id: str) -> None:
    position = CallPosition(started_at, call_id)
    cursor = cursors.of_call(position)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor), "it goes into a URL as it is"
    assert cursors.call_position(cursor) == position


def test_a_moment_is_the_same_in_every_zone() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert cursors.call_position(cursors.of_call(CallPosition(moment, "c-1"))).started_at == moment


@given(st.from_regex(STREAM_NAME, fullmatch=True), st.integers(0, MAX_SEQUENCE))
def test_the_place_of_a_packet_comes_back(stream: str, sequence: int) -> None:
    position = PacketPosition(stream, sequence)
    assert cursors.packet_position(cursors.of_packet(position)) == position


@given(st.text())
@pytest.mark.parametrize("read", [cursors.call_position, cursors.packet_position])
def test_anything_else_is_a_bad_field(read: object, text: str) -> None:
    assert callable(read)
    try:
        position = read(text)
    except MalformedBody as error:
        assert [problem.path for problem in error.errors] == ["after"]  # noqa: PT017 # or it is a place
    else:
        assert isinstance(position, CallPosition | PacketPosition)
