"""A broken promise, by name."""

from __future__ import annotations

import attrs


@attrs.frozen
class Violation:
    """``name`` says which promise; ``what`` which packet, call or request it was broken for."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"
