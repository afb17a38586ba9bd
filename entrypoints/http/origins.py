"""Whose pages may open a WebSocket.

A browser keeps a page from reading what another site answers, but not from opening a WebSocket there: it says
in the header Origin whose page it is, and leaves the rest to the server (RFC 6455, 10.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from multidict import MultiMapping

_PORTS: Final = {"http": 80, "https": 443}
_MOST_SHOWN: Final = 200


class ForeignOrigin(Exception):
    """A browser asks for a page that another host served."""

    def __init__(self, origin: str, host: str) -> None:
        self.detail = (
            f"the header Origin says that a page of {origin[:_MOST_SHOWN]} asks, the header Host that this "
            f"is {host[:_MOST_SHOWN]}; a proxy that changes Host must pass it on as X-Forwarded-Host"
        )
        super().__init__(self.detail)


def refuse_foreign_pages(headers: MultiMapping[str]) -> None:
    """Raises ForeignOrigin. Who sends no Origin is no browser; and no page can set the other two headers."""
    origin = headers.get("Origin")
    if origin is None:
        return
    host = headers.get("Host", "")
    if not any(_is_of(origin, own) for own in (host, *_forwarded(headers))):
        raise ForeignOrigin(origin, host)


def _forwarded(headers: MultiMapping[str]) -> Iterable[str]:
    """What was Host before each of the proxies."""
    return (host.strip() for line in headers.getall("X-Forwarded-Host", ()) for host in line.split(","))


def _is_of(origin: str, host: str) -> bool:
    try:
        page, own = urlsplit(origin), urlsplit(f"//{host}")
        default = _PORTS.get(page.scheme)
        ports = page.port or default, own.port or default
    except ValueError:  # a port, or an address of IPv6, that is none
        return False
    return (
        default is not None and bool(page.hostname) and page.hostname == own.hostname and len({*ports}) == 1
    )
