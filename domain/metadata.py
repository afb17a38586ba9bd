"""What a PBX may tell about a call besides its packets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.errors import InvalidValue

MAX_ENTRIES: Final = 64
MAX_KEY_CHARACTERS: Final = 128
MAX_VALUE_CHARACTERS: Final = 4_096


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """A copy of ``metadata``, known to be within bounds and to be storable as text. Raises InvalidValue."""
    if len(metadata) > MAX_ENTRIES:
        raise InvalidValue("metadata", f"has more than {MAX_ENTRIES} entries")
    for key, value in metadata.items():
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise InvalidValue("metadata", f"has a key that is not of 1 to {MAX_KEY_CHARACTERS} characters")
        _check_storable(key, "metadata")
        if len(value) > MAX_VALUE_CHARACTERS:
            raise InvalidValue(f"metadata.{key}", f"is longer than {MAX_VALUE_CHARACTERS} characters")
        _check_storable(value, f"metadata.{key}")
    return dict(metadata)


def _check_storable(text: str, field: str) -> None:
    if "\0" in text:
        raise InvalidValue(field, "has a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidValue(field, "has a lone surrogate")
