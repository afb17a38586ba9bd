"""What a call's packets carry, and what follows from it."""

from __future__ import annotations

import base64
import binascii
from enum import Enum, unique
from typing import Final

import attrs

from domain.errors import InvalidValue

MIN_SAMPLE_RATE_HZ: Final = 4_000
MAX_SAMPLE_RATE_HZ: Final = 192_000
MAX_CHANNELS: Final = 8


@unique
class Encoding(Enum):
    """Media types of packets: G.711 in telephony's customary x- names; L16 (RFC 2586), but little-endian."""

    MULAW = "audio/x-mulaw"
    ALAW = "audio/x-alaw"
    L16 = "audio/l16"
    TEXT = "text/plain"


_BYTES_PER_SAMPLE: Final = {Encoding.MULAW: 1, Encoding.ALAW: 1, Encoding.L16: 2}


@attrs.frozen
class MediaFormat:
    """Encoding of a call's packets; for audio also samples a second (for each channel) and channels.

    Samples of several channels are interleaved.
    """

    encoding: Encoding = Encoding.TEXT
    sample_rate_hz: int | None = None
    channels: int | None = None

    bytes_per_frame: int = attrs.field(init=False, eq=False, repr=False)
    """One sample of every channel; of text, a byte."""

    @bytes_per_frame.default
    def _of_all_channels(self) -> int:
        return _BYTES_PER_SAMPLE.get(self.encoding, 1) * (self.channels or 1)

    def __attrs_post_init__(self) -> None:
        if self.encoding is Encoding.TEXT:
            _refuse_given("media.sample_rate_hz", self.sample_rate_hz)
            _refuse_given("media.channels", self.channels)
            return
        _require_between("media.sample_rate_hz", self.sample_rate_hz, MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ)
        _require_between("media.channels", self.channels, 1, MAX_CHANNELS)

    @property
    def is_audio(self) -> bool:
        return self.encoding is not Encoding.TEXT

    @property
    def bytes_per_second(self) -> int:
        """Audio only."""
        assert self.sample_rate_hz is not None, "text has no rate"
        return self.sample_rate_hz * self.bytes_per_frame

    def seconds(self, byte_count: int) -> float:
        """How long so many bytes of audio play."""
        return byte_count / self.bytes_per_second

    def decode(self, data: str | bytes) -> bytes:
        """The bytes that a packet's data stands for, sent raw or as text. Raises InvalidValue.

        As text it is base64 for audio. That is taken only in its canonical form (RFC 4648 section 4,
        padded, unused bits zero), so that :meth:`encode` gives back exactly what was sent.
        """
        if not self.is_audio:
            return _utf_8(data)
        raw = data if isinstance(data, bytes) else self._from_base64(data)
        if len(raw) % self.bytes_per_frame:
            raise InvalidValue("data", f"is no whole number of {self.bytes_per_frame}-byte frames")
        return raw

    @staticmethod
    def _from_base64(data: str) -> bytes:
        try:
            raw = binascii.a2b_base64(data, strict_mode=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidValue("data", "is not base64, as this call's encoding asks for") from error
        if binascii.b2a_base64(raw, newline=False) != data.encode("ascii"):
            raise InvalidValue("data", "is not canonical base64: unused bits are set")
        return raw

    def encode(self, raw: bytes) -> str:
        """The ``data`` field as it was sent, or as it would have been had it been sent as text."""
        return base64.b64encode(raw).decode("ascii") if self.is_audio else raw.decode("utf-8")


def _utf_8(data: str | bytes) -> bytes:
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        raw = text.encode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue("data", "is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise InvalidValue("data", "has a lone surrogate") from error
    if "\0" in text:
        raise InvalidValue("data", "has a NUL character")
    return raw


def _refuse_given(field: str, value: int | None) -> None:
    if value is not None:
        raise InvalidValue(field, "goes with audio only")


def _require_between(field: str, value: int | None, least: int, most: int) -> None:
    if value is None:
        raise InvalidValue(field, "is required for audio")
    if not least <= value <= most:
        raise InvalidValue(field, f"must be from {least} to {most}")
