"""Whose pages may open a WebSocket here."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from entrypoints.http.origins import ForeignOrigin, refuse_foreign_pages


def headers(origin: str, host: str, *forwarded: str) -> CIMultiDict[str]:
    return CIMultiDict(
        [("Origin", origin), ("Host", host), *(("X-Forwarded-Host", name) for name in forwarded)]
    )


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://calls.example", "calls.example"),
        ("https://calls.example", "calls.example"),  # what is in front of it ends TLS
        ("https://calls.example", "calls.example:443"),
        ("http://calls.example:80", "calls.example"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://Calls.Example", "calls.EXAMPLE"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_its_own_page_may(origin: str, host: str) -> None:
    refuse_foreign_pages(headers(origin, host))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "calls.example"),
        ("https://calls.example.evil.example", "calls.example"),
        ("https://evil.example/calls.example", "calls.example"),
        ("https://calls.example@evil.example", "calls.example"),
        ("http://localhost:3000", "localhost:8080"),
        ("http://localhost", "localhost:8080"),
        ("http://calls.example:8080", "calls.example"),
        ("https://calls.example", "calls.example:80"),
        ("null", "null"),
        ("", ""),
        ("calls.example", "calls.example"),
        ("chrome-extension://calls.example", "calls.example"),
        ("http://calls.example:port", "calls.example"),
        ("http://calls.example", "calls.example:port"),
        ("http://[::1", "[::1"),
        ("http://", ""),
    ],
)
def test_no_other_page_may(origin: str, host: str) -> None:
    with pytest.raises(ForeignOrigin):
        refuse_foreign_pages(headers(origin, host))


def test_what_is_no_browser_may() -> None:
    refuse_foreign_pages(CIMultiDict({"Host": "calls.example"}))


def test_a_proxy_that_changes_host_says_what_it_was() -> None:
    """As a list, or as a header for each proxy."""
    origin, host = "https://calls.example:8443", "trunkline:8080"
    refuse_foreign_pages(headers(origin, host, "calls.example:8443"))
    refuse_foreign_pages(headers(origin, host, "calls.example:8443, inner.example"))
    refuse_foreign_pages(headers(origin, host, "outer.example", "calls.example:8443"))
    with pytest.raises(ForeignOrigin):
        refuse_foreign_pages(headers("https://evil.example", host, "calls.example:8443"))


def test_what_it_says_of_a_long_origin_is_short() -> None:
    with pytest.raises(ForeignOrigin) as refused:
        refuse_foreign_pages(headers("https://" + "x" * 10_000, "y" * 10_000))
    assert len(refused.value.detail) < 700
