"""The call id of a request's path. Checked here: what is no id at all never reaches the storage."""

from __future__ import annotations

from aiohttp import web

from domain.call import CALL_ID
from domain.errors import InvalidValue, UnknownCall


def id_of_new_or_known_call(request: web.Request) -> str:
    """Raises InvalidValue."""
    call_id = request.match_info["call_id"]
    if not CALL_ID.fullmatch(call_id):
        raise InvalidValue("call_id", "must be 1 to 128 of A-Z a-z 0-9 . _ : @ -")
    return call_id


def id_of_known_call(request: web.Request) -> str:
    """Raises UnknownCall: no call has an id that is none."""
    call_id = request.match_info["call_id"]
    if not CALL_ID.fullmatch(call_id):
        raise UnknownCall(call_id)
    return call_id
