"""What is served is what the page's source builds; needs no Node. `.ci/run` builds it anew, and compares."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

PAGE = Path(__file__).parents[2] / "entrypoints" / "page"


def test_the_built_page_is_of_this_source() -> None:
    """As build.mjs sums it up; where they differ, `make page` builds it."""
    names = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"]
    names += [f"src/{file.name}" for file in (PAGE / "src").iterdir()]
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0".encode() + (PAGE / name).read_bytes() + b"\0")
    assert (PAGE / "dist" / "SOURCE.sha256").read_text().strip() == digest.hexdigest()


def test_every_package_of_the_page_is_pinned_and_comes_from_no_named_address() -> None:
    wanted = json.loads((PAGE / "package.json").read_text("utf-8"))
    versions = [*wanted["dependencies"].values(), *wanted["devDependencies"].values()]
    assert [version for version in versions if not version[0].isdigit()] == []
    locked = json.loads((PAGE / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in locked.items() if name and "integrity" not in package] == []
    assert [name for name, package in locked.items() if "resolved" in package] == []


def test_the_licences_of_what_is_served_are_beside_it() -> None:
    licences = (PAGE / "dist" / "THIRD-PARTY-LICENCES.txt").read_text("utf-8")
    for name, version in json.loads((PAGE / "package.json").read_text("utf-8"))["dependencies"].items():
        assert f"{name} {version} (" in licences
