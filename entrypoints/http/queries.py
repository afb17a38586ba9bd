"""The query parameters of a request."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import attrs
import msgspec
from aiohttp import web

from entrypoints.http.wire import FieldProblem, MalformedBody

Query = TypeVar("Query", bound=attrs.AttrsInstance)

_DIGITS = re.compile(r"[0-9]{1,9}")
_QUERY_PATH = re.compile(r"(?P<detail>.*) - at `\$\.?(?P<path>[^`]*)`")


def read_query(request: web.Request, kind: type[Query]) -> Query:
    """The query parameters as an instance of ``kind``. Raises MalformedBody."""
    known = {field.name for field in attrs.fields(kind)}
    given: dict[str, Any] = {name: value for name, value in request.query.items() if name in known}
    if _DIGITS.fullmatch(given.get("limit", "")):
        given["limit"] = int(given["limit"])
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        where = _QUERY_PATH.fullmatch(str(error))
        problem = FieldProblem(where["path"], where["detail"]) if where else FieldProblem("", str(error))
        raise MalformedBody([problem]) from None
