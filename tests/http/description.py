"""The OpenAPI document of a running service, and whether an answer is one that it describes."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs
import jsonschema  # type: ignore[import-untyped] # it comes without types

from tests.http.answer import PROBLEM_JSON, Answer

UNDESCRIBED = ("/openapi.json", "/docs")
"""The document does not describe itself, nor the page that shows it."""

_FORMATS = jsonschema.FormatChecker(formats=())
_FORMATS.checks("date-time", ValueError)(lambda text: datetime.fromisoformat(text).tzinfo is not None)


@attrs.frozen(slots=False)
class Description:
    document: dict[str, Any]

    def check(self, method: str, path: str, answer: Answer) -> None:
        """Fails on a status, a media type, a header or a body that the document does not foresee."""
        path = path.partition("?")[0]
        operation = self._operation(method, path)
        if operation is None:
            assert answer.status in ((200,) if path in UNDESCRIBED else (404, 405)), answer
            if answer.status != 200 and method != "HEAD":
                self._check_content({PROBLEM_JSON: {"schema": {"$ref": _reference("Problem")}}}, answer)
            return
        described = operation["responses"].get(str(answer.status))
        assert described is not None, (
            f"{method} {path} is not said to answer {answer.status}: {answer.body!r}"
        )
        headers = described.get("headers", {}).items()
        missing = {name for name, header in headers if header["required"] and name not in answer.headers}
        assert not missing, "a header is missing"
        if "content" in described:
            self._check_content(described["content"], answer)
        else:
            assert answer.body == b"", "no body is described"

    def check_schema(self, name: str, value: Any) -> None:
        self._validator({"$ref": _reference(name)}).validate(value)

    def _check_content(self, content: dict[str, Any], answer: Answer) -> None:
        assert answer.media_type in content, f"no answer is said to be {answer.media_type}"
        schema = content[answer.media_type].get("schema")
        if schema is not None:
            self._validator(schema).validate(answer.json)

    def _validator(self, schema: dict[str, Any]) -> Any:
        return jsonschema.Draft202012Validator(
            schema | {"components": self._components}, format_checker=_FORMATS
        )

    @cached_property
    def _components(self) -> dict[str, Any]:
        schemas = self.document["components"]["schemas"]
        return {"schemas": {name: _closed(schema) for name, schema in schemas.items()}}

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, operations in self.document["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """An answer's field that the document does not name is a drift, though JSON Schema lets it pass."""
    return {"additionalProperties": False} | schema if "properties" in schema else schema
