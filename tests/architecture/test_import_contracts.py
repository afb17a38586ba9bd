"""Imports run one way, and the core imports no framework at all."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE_MAY_IMPORT = sys.stdlib_module_names | {"attrs"}


def test_the_contracts_of_setup_cfg_are_kept() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run(
        [lint_imports, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("layer", "own"), [("domain", {"domain"}), ("application", {"application", "domain"})]
)
def test_the_core_imports_the_standard_library_attrs_and_itself(layer: str, own: set[str]) -> None:
    files = sorted((ROOT / layer).rglob("*.py"))
    strangers = [
        f"{file.relative_to(ROOT)} imports {package}"
        for file in files
        for package in imported_packages(file)
        if package not in CORE_MAY_IMPORT | own
    ]
    assert files
    assert strangers == []


def imported_packages(file: Path) -> Iterator[str]:
    """The top-level package of each import, wherever in the file it stands; a relative one as its dots."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module.partition(".")[0]
            case ast.ImportFrom(level=level):
                yield "." * level
            case (
                ast.Call(func=ast.Name(id="__import__")) | ast.Call(func=ast.Attribute(attr="import_module"))
            ):
                yield "something at run time"
            case _:
                pass
