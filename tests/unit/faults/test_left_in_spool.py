"""What lies in the spool in the end is not lost, but it is named; and so is what nobody sent."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from faults.checker import check
from faults.observed import SpooledEntry
from tests.unit.faults.good_run import MULAW, Telling, good_observed, good_telling, packet

SPOOLED = {"durability": "spooled"}


def kept(sequence: int, data: str) -> dict[str, Any]:
    return {"stream": "main", "sequence": sequence, "timestamp": float(sequence), "text": data}


def names(telling: Telling, *entries: SpooledEntry) -> frozenset[str]:
    return check(telling.records, attrs.evolve(good_observed(), spooled=entries)).names


@pytest.fixture
def telling() -> Telling:
    """Packet 3 of ``audio`` was acknowledged from the spool."""
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), 202, SPOOLED)
    return telling


def test_what_lies_in_the_spool_is_not_lost_but_was_not_replayed(telling: Telling) -> None:
    assert names(telling, SpooledEntry("audio", {"packets": [kept(3, "BgcI")]})) == {"spool_not_empty"}


def test_another_entry_in_the_spool_keeps_nothing_from_being_lost(telling: Telling) -> None:
    telling.told("packet", "audio", packet(4, "CQoL"), 202, SPOOLED)
    entry = SpooledEntry("audio", {"packets": [kept(4, "CQoL")]})
    assert names(telling, entry) == {"spool_not_empty", "packet_lost"}


def test_what_was_acknowledged_as_stored_is_lost_though_the_same_lies_in_the_spool() -> None:
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), 202)
    entry = SpooledEntry("audio", {"packets": [kept(3, "BgcI")]})
    assert names(telling, entry) == {"spool_not_empty", "packet_lost"}


def test_a_call_whose_init_and_end_lie_in_the_spool_is_neither_lost_nor_owed_an_archive() -> None:
    telling = good_telling()
    init = {"call_id": "new", "media": MULAW, "metadata": {"from": "+1555"}}
    telling.told("init", "new", init, 201, SPOOLED)
    telling.told("delivery", "new", {"packets": [packet(1, "AAEC"), packet(2, "AwQF")]}, 202, SPOOLED)
    telling.told("complete", "new", {"final_sequence": {"main": 2}}, 202, SPOOLED)
    entries = [
        SpooledEntry("new", {"media": MULAW, "metadata": {"from": "+1555"}}),
        SpooledEntry("new", {"packets": [kept(1, "AAEC"), kept(2, "AwQF")]}),
        SpooledEntry("new", {"final_sequence": {"main": 2}}),
    ]
    assert names(telling, *entries) == {"spool_not_empty"}
    assert names(telling) == {"call_lost", "packet_lost"}


def test_an_entry_that_nobody_sent_is_named(telling: Telling) -> None:
    entry = SpooledEntry("audio", {"packets": [kept(3, "BgcI"), kept(4, "AAAA")]})
    assert names(telling, entry) == {"spool_not_empty", "spooled_never_sent"}


def test_the_entry_of_another_call_is_one_that_nobody_sent(telling: Telling) -> None:
    entry = SpooledEntry("text", {"packets": [kept(3, "BgcI")]})
    assert names(telling, entry) == {"spool_not_empty", "spooled_never_sent", "packet_lost"}


def test_what_was_only_ever_refused_must_not_lie_in_the_spool() -> None:
    entry = SpooledEntry("audio", {"packets": [kept(9, "no base64!")]})
    assert names(good_telling(), entry) == {"spool_not_empty", "refused_request_spooled"}


def test_an_attempt_whose_outcome_nobody_knows_may_lie_in_the_spool() -> None:
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), None)
    assert names(telling, SpooledEntry("audio", {"packets": [kept(3, "BgcI")]})) == {"spool_not_empty"}
