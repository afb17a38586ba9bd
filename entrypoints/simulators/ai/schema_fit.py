"""Cuts a value down to what a JSON Schema asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DoesNotFit(Exception):
    """The schema asks for something this value does not hold. The message names where."""


def fit(value: Any, schema: Mapping[str, Any]) -> Any:
    """Objects lose the properties that ``schema`` does not name, texts what is beyond ``maxLength``.

    Reads ``properties``, ``required``, ``enum``, ``maxLength`` and references into ``$defs``.
    Raises DoesNotFit.
    """
    return _fit(value, schema, schema, "the answer")


def _fit(value: Any, schema: Any, root: Mapping[str, Any], where: str) -> Any:
    if not isinstance(schema, Mapping):
        raise DoesNotFit(f"the schema of {where} is no object")
    if "$ref" in schema:
        schema = _referenced(schema["$ref"], root, where)
    if "enum" in schema and value not in schema["enum"]:
        raise DoesNotFit(f"{where} would be {value!r}, which the schema does not allow")
    if isinstance(value, str) and "maxLength" in schema:
        return value[: schema["maxLength"]]
    if not isinstance(value, Mapping) or "properties" not in schema:
        return value
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        raise DoesNotFit(f"this simulation knows nothing for {', '.join(missing)} of {where}")
    properties = schema["properties"]
    return {name: _fit(value[name], properties[name], root, name) for name in properties if name in value}


def _referenced(reference: str, root: Mapping[str, Any], where: str) -> Any:
    name = reference.removeprefix("#/$defs/")
    if name not in root.get("$defs", {}):
        raise DoesNotFit(f"the schema of {where} refers to {reference!r}, which is not in its $defs")
    return root["$defs"][name]
