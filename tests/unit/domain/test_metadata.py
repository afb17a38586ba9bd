"""The bounds of a call's metadata."""

from __future__ import annotations

import pytest

from domain.errors import InvalidValue
from domain.metadata import checked_metadata


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="none"),
        pytest.param({"from": "+15551234", "to": ""}, id="an empty value"),
        pytest.param({f"key {at}": "value" for at in range(64)}, id="64 entries"),
        pytest.param({"k" * 128: "v" * 4_096}, id="the longest key and value"),
        pytest.param({"größe": "日本 😀\n"}, id="beyond ASCII"),
    ],
)
def test_metadata_within_bounds_is_copied(metadata: dict[str, str]) -> None:
    copy = checked_metadata(metadata)
    assert copy == metadata
    assert copy is not metadata


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        pytest.param({str(at): "" for at in range(65)}, "metadata", id="65 entries"),
        pytest.param({"": "value"}, "metadata", id="an empty key"),
        pytest.param({"k" * 129: "value"}, "metadata", id="a long key"),
        pytest.param({"key": "v" * 4_097}, "metadata.key", id="a long value"),
        pytest.param({"k\0": "value"}, "metadata", id="NUL in a key"),
        pytest.param({"key": "\0"}, "metadata.key", id="NUL in a value"),
        pytest.param({"\udfff": "value"}, "metadata", id="a lone surrogate in a key"),
        pytest.param({"key": "\ud800"}, "metadata.key", id="a lone surrogate in a value"),
        pytest.param({"\ud800": "v" * 4_097}, "metadata", id="a key that no answer could name"),
    ],
)
def test_metadata_out_of_bounds_is_refused_by_field(metadata: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        checked_metadata(metadata)
    assert refusal.value.field == field
