"""Files that can be read in one sitting, named by what is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ["domain", "application", "adapters", "entrypoints"]
MAX_LINES = 400
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


@pytest.mark.parametrize("layer", LAYERS)
def test_no_file_is_longer_than_one_sitting(layer: str) -> None:
    lines = {str(file): len(file.read_text("utf-8").splitlines()) for file in modules(layer)}
    assert {file: count for file, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize("layer", LAYERS)
def test_no_module_or_folder_has_a_name_that_says_nothing(layer: str) -> None:
    named = {
        file: {word for part in file.with_suffix("").parts for word in part.split("_")}
        for file in modules(layer)
    }
    assert [str(file) for file, words in named.items() if words & NAMES_THAT_SAY_NOTHING] == []


def modules(layer: str) -> list[Path]:
    """Relative to the root."""
    found = [file.relative_to(ROOT) for file in sorted((ROOT / layer).rglob("*.py"))]
    assert found
    return found
