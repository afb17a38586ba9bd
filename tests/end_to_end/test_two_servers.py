"""Two server processes on one database, one call sent to both."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running

PACKETS = 1_000
CONNECTIONS = 50


@pytest.mark.parametrize("complete_races", [False, True], ids=["packets only", "complete races the last"])
async def test_every_receipt_is_right(
    complete_races: bool, service_environment: dict[str, str], tmp_path: Path
) -> None:
    """1,000 packets in random order with 10 % sent twice, from 50 connections to two processes."""
    chance = random.Random(20261124)
    copies = [*range(1, PACKETS + 1), *chance.sample(range(1, PACKETS + 1), PACKETS // 10)]
    chance.shuffle(copies)
    answers: dict[int, list[dict[str, Any]]] = defaultdict(list)
    async with (
        running(tmp_path / "a.log", "serve", environment=service_environment) as first,
        running(tmp_path / "b.log", "serve", environment=service_environment) as second,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session,
    ):
        api = ApiClient(session, first.url, second.url)

        async def send() -> None:
            while copies:
                sequence = copies.pop()
                status, receipt = await api.packet("c-1", sequence, f"piece {sequence}", sequence % 2)
                assert status == 202, receipt
                answers[sequence].append(receipt)
                if complete_races and len(copies) == CONNECTIONS:
                    status, completed = await api.complete("c-1", PACKETS, server=1)
                    assert status == 202, completed

        await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
        call = await api.call("c-1")
        stored = await api.packets("c-1")

    assert call["streams"][0] | {"duration_seconds": None} == {
        "stream": "main",
        "received": PACKETS,
        "duplicates": PACKETS // 10,
        "next_expected": PACKETS + 1,
        "missing": [],
        "duration_seconds": None,
    }
    assert stored == {sequence: f"piece {sequence}" for sequence in range(1, PACKETS + 1)}
    assert call["state"] == ("COMPLETED" if complete_races else "IN_PROGRESS")
    for sequence, receipts in answers.items():
        assert Counter(receipt["status"] for receipt in receipts)["accepted"] == 1
        for receipt in receipts:
            _check_receipt(receipt, sequence)
    assert sum(len(receipts) for receipts in answers.values()) == PACKETS * 11 // 10


def _check_receipt(receipt: dict[str, Any], sequence: int) -> None:
    assert receipt["call_id"] == "c-1"
    assert receipt["sequence"] == sequence
    assert receipt["next_expected"] > sequence
    assert len(receipt["missing"]) <= 32
    for gap_first, gap_last in receipt["missing"]:
        assert 1 <= gap_first <= gap_last < receipt["next_expected"] - 1
        assert not gap_first <= sequence <= gap_last
