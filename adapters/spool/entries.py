"""Commands as bytes: MessagePack, in which text stays text and raw data raw."""

from __future__ import annotations

from typing import Any, Final

import cattrs
import msgspec
from cattrs.strategies import configure_tagged_union

from application.commands import Command

_KIND: Final = "kind"


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(str | bytes, lambda value, _: value)
    converter.register_unstructure_hook(bytes, lambda value: value)
    configure_tagged_union(Command, converter, tag_name=_KIND)
    return converter


_CONVERTER: Final = _converter()


def to_bytes(command: Command) -> bytes:
    return msgspec.msgpack.encode(_CONVERTER.unstructure(command, Command))


def from_bytes(entry: bytes) -> Command:
    """The same command. Raises what cattrs and msgspec raise of bytes that :func:`to_bytes` did not make."""
    value: Any = msgspec.msgpack.decode(entry)
    command: Command = _CONVERTER.structure(value, Command)  # type: ignore[arg-type] # a union is no class
    return command
