"""Encodings, and the bytes that a packet's data stands for."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.media_format import Encoding, MediaFormat

TEXT = MediaFormat()
MULAW = MediaFormat(Encoding.MULAW, 8_000, 1)
STEREO_L16 = MediaFormat(Encoding.L16, 16_000, 2)


def test_text_is_the_default() -> None:
    assert MediaFormat() == MediaFormat(Encoding.TEXT)
    assert not TEXT.is_audio


@pytest.mark.parametrize(
    ("media", "bytes_per_frame", "bytes_per_second"),
    [
        (MULAW, 1, 8_000),
        (MediaFormat(Encoding.ALAW, 8_000, 2), 2, 16_000),
        (MediaFormat(Encoding.L16, 8_000, 1), 2, 16_000),
        (STEREO_L16, 4, 64_000),
    ],
)
def test_frames_follow_from_encoding_and_channels(
    media: MediaFormat, bytes_per_frame: int, bytes_per_second: int
) -> None:
    assert media.is_audio
    assert media.bytes_per_frame == bytes_per_frame
    assert media.bytes_per_second == bytes_per_second
    assert media.seconds(bytes_per_second // 2) == 0.5


@pytest.mark.parametrize(
    ("encoding", "sample_rate_hz", "channels", "field"),
    [
        (Encoding.MULAW, None, 1, "media.sample_rate_hz"),
        (Encoding.MULAW, 8_000, None, "media.channels"),
        (Encoding.ALAW, 3_999, 1, "media.sample_rate_hz"),
        (Encoding.ALAW, 192_001, 1, "media.sample_rate_hz"),
        (Encoding.L16, 8_000, 0, "media.channels"),
        (Encoding.L16, 8_000, 9, "media.channels"),
        (Encoding.TEXT, 8_000, None, "media.sample_rate_hz"),
        (Encoding.TEXT, None, 1, "media.channels"),
    ],
)
def test_a_format_out_of_bounds_is_refused_by_field(
    encoding: Encoding, sample_rate_hz: int | None, channels: int | None, field: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        MediaFormat(encoding, sample_rate_hz, channels)
    assert refusal.value.field == field


@pytest.mark.parametrize(("sample_rate_hz", "channels"), [(4_000, 1), (192_000, 8)])
def test_the_bounds_themselves_are_taken(sample_rate_hz: int, channels: int) -> None:
    assert MediaFormat(Encoding.L16, sample_rate_hz, channels).is_audio


def test_audio_is_base64() -> None:
    assert MULAW.decode("AP9/") == b"\x00\xff\x7f"
    assert MULAW.encode(b"\x00\xff\x7f") == "AP9/"
    assert MULAW.decode("") == b""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("AAA", id="no padding"),
        pytest.param("AA==AA==", id="padding in the middle"),
        pytest.param("AA===", id="too much padding"),
        pytest.param("AAAA=", id="padding that pads nothing"),
        pytest.param("A", id="a single character"),
        pytest.param("=", id="padding alone"),
        pytest.param("AA==\n", id="newline at the end"),
        pytest.param("AA AA", id="space"),
        pytest.param("-_-_", id="the URL alphabet"),
        pytest.param("AAAä", id="not ASCII"),
        pytest.param("AAA\ud800", id="a lone surrogate"),
        pytest.param("AB==", id="four unused bits set"),
        pytest.param("AAB=", id="two unused bits set"),
    ],
)
def test_base64_that_is_not_canonical_is_refused(data: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        MULAW.decode(data)
    assert refusal.value.field == "data"


def test_a_broken_frame_is_refused() -> None:
    assert STEREO_L16.decode(base64.b64encode(bytes(8)).decode()) == bytes(8)
    with pytest.raises(InvalidValue, match="4-byte frames"):
        STEREO_L16.decode(base64.b64encode(bytes(6)).decode())


@pytest.mark.parametrize("text", ["", "hello", "  spaces stay\r\n", "naïve 日本 😀", "\x01\x7f"])
def test_text_is_its_utf_8(text: str) -> None:
    assert TEXT.decode(text) == text.encode()
    assert TEXT.encode(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [("a\0b", "NUL"), ("\ud800", "surrogate"), ("\udfff tail", "surrogate"), ("\udc00\ud800", "surrogate")],
)
def test_text_that_cannot_be_stored_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem) as refusal:
        TEXT.decode(text)
    assert refusal.value.field == "data"


@given(st.binary(max_size=200))
def test_every_byte_string_of_whole_frames_survives_the_way_out_and_in(raw: bytes) -> None:
    assert MULAW.decode(MULAW.encode(raw)) == raw


@given(
    st.text(alphabet="AQgw/+=Bz \n", max_size=12)
    | st.binary().map(lambda raw: base64.b64encode(raw).decode())
)
def test_what_is_taken_as_audio_is_given_back_as_it_was_sent(data: str) -> None:
    try:
        raw = MULAW.decode(data)
    except InvalidValue:
        return
    assert MULAW.encode(raw) == data


@given(st.text())
def test_text_without_nul_and_surrogates_is_given_back_as_it_was_sent(text: str) -> None:
    if "\0" not in text:
        assert TEXT.encode(TEXT.decode(text)) == text


@given(st.binary(max_size=200))
def test_raw_audio_is_taken_as_it_is_and_as_its_base64_would_be(raw: bytes) -> None:
    assert MULAW.decode(raw) == raw == MULAW.decode(base64.b64encode(raw).decode())


def test_raw_audio_that_looks_like_base64_is_not_decoded() -> None:
    assert MULAW.decode(b"AP9/") == b"AP9/"


def test_a_broken_raw_frame_is_refused() -> None:
    assert STEREO_L16.decode(bytes(8)) == bytes(8)
    with pytest.raises(InvalidValue, match="4-byte frames"):
        STEREO_L16.decode(bytes(6))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_raw_text_is_its_utf_8(text: str) -> None:
    assert TEXT.decode(text.encode()) == text.encode() == TEXT.decode(text)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"\xff", "UTF-8"),
        (b"a\xc3", "UTF-8"),
        (b"\xed\xa0\x80", "UTF-8"),
        (b"\xc0\x80", "UTF-8"),
        (b"a\0", "NUL"),
    ],
)
def test_raw_text_that_cannot_be_stored_is_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem) as refusal:
        TEXT.decode(raw)
    assert refusal.value.field == "data"
