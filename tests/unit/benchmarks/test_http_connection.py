"""Cutting answers out of a connection's bytes."""

from __future__ import annotations

import pytest

from benchmarks.load.http_connection import LoadFailed, first_answer, request

ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\nX-Other: 1\r\n\r\nfirst"


def test_an_answer_is_cut_by_its_length() -> None:
    assert first_answer(ANSWER + b"HTTP/1.1 2") == (202, b"first", b"HTTP/1.1 2")


@pytest.mark.parametrize("size", [0, 10, 30, len(ANSWER) - 1])
def test_half_an_answer_is_none(size: int) -> None:
    assert first_answer(ANSWER[:size]) is None


def test_a_length_in_the_body_is_not_the_answers() -> None:
    with pytest.raises(LoadFailed):
        first_answer(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n\r\nContent-Length: 3\r\n")


def test_a_request_has_its_length_and_a_get_has_no_body() -> None:
    posted = request("POST", "/v1/x", b"{}", "application/x-ndjson")
    assert posted.endswith(b"Content-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n{}")
    assert request("GET", "/v1/x") == b"GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
