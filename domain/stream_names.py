"""What a call's streams may be called, and how many there may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.errors import InvalidValue
from domain.packet import MAX_SEQUENCE

STREAM_NAME: Final = re.compile(r"[A-Za-z0-9._:@#-]{1,64}", re.ASCII)
MAX_STREAMS: Final = 256
"""One for each track, leg and reconnection of a call."""


def check_stream_name(field: str, name: str) -> None:
    """Raises InvalidValue."""
    if not STREAM_NAME.fullmatch(name):
        raise InvalidValue(field, "must be 1 to 64 of A-Z a-z 0-9 . _ : @ # -")


def check_final_sequences(final_sequences: Mapping[str, int]) -> None:
    """By stream, the last sequence that it sent. Raises InvalidValue."""
    if len(final_sequences) > MAX_STREAMS:
        raise InvalidValue("final_sequence", f"names more than {MAX_STREAMS} streams")
    for name, sequence in final_sequences.items():
        check_stream_name("final_sequence", name)
        if not 0 <= sequence <= MAX_SEQUENCE:
            raise InvalidValue(f"final_sequence.{name}", f"must be from 0 to {MAX_SEQUENCE}")
