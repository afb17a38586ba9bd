"""What a PBX asks for, as values: so it can be carried out later."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from domain.delivery import Delivery
from domain.media_format import MediaFormat


@attrs.frozen
class Start:
    """Start a call."""

    call_id: str
    media: MediaFormat | None
    metadata: Mapping[str, str] | None


@attrs.frozen
class Completion:
    """Complete a call."""

    call_id: str
    final_sequences: Mapping[str, int]


Command = Start | Delivery | Completion
