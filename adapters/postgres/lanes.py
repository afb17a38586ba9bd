"""The lane of a call: what every hot table leads its key with."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

LANES: Final = 64


@lru_cache(maxsize=16_384)
def lane_of(call_id: str) -> int:
    """A small stable hash of the call id, the same in every process and release."""
    return zlib.crc32(call_id.encode()) % LANES
