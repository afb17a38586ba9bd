"""The query parameters of a request."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import attrs
import msgspec
from aiohttp import web

from entrypoints.http.structuring import MalformedBody
from entrypoints.http.wire import FieldProblem

Query = TypeVar("Query", bound=attrs.AttrsInstance)

_DIGITS = re.compile(r"[0-9]{1,9}")
_NUMBERS = frozenset({"limit", "points"})
_QUERY_PATH = re.compile(r"(?P<detail>.*) - at `\$\.?(?P<path>[^`]*)`")


def read_query(request: web.Request, kind: type[Query]) -> Query:
    """The query parameters as an instance of ``kind``. Raises MalformedBody."""
    known = {field.name for field in attrs.fields(kind)}
    given: dict[str, Any] = {name: value for name, value in request.query.items() if name in known}
    for name in _NUMBERS & given.keys():
        if _DIGITS.fullmatch(given[name]):
            given[name] = int(given[name])
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        where = _QUERY_PATH.fullmatch(str(error))
        problem = FieldProblem(where["path"], where["detail"]) if where else FieldProblem("", str(error))
        raise MalformedBody([problem]) from None
