"""A call that is set aside must have been at hand when three processes in a row were killed."""

from __future__ import annotations

import attrs
import pytest

from faults.checker import check
from faults.history import Fault
from faults.observed import Observed, StoredEvent
from tests.unit.faults.good_run import good_observed, good_telling, whole_history

KILLS = ((1_092.0, "service killed"), (1_094.0, "worker killed"), (1_096.0, "service killed"))


def set_aside_and_reprocessed() -> Observed:
    """Call ``text``: three runs that nobody ended, and then one that archived it."""
    good = good_observed()
    start, completed, *_, archived = whole_history("text")
    history = [
        start,
        completed,
        *(
            StoredEvent("text", 2 + run, "PROCESSING_AI", "run_started", run, 1_089.5 + 2 * run)
            for run in (1, 2, 3)
        ),
        StoredEvent("text", 6, "FAILED", "call_failed", 3, 1_097.0, "poison"),
        StoredEvent("text", 7, "PROCESSING_AI", "reprocess_requested", None, 1_098.0),
        StoredEvent("text", 8, "PROCESSING_AI", "run_started", 4, 1_099.0),
        attrs.evolve(archived, version=9, run=4),
    ]
    others = [event for event in good.events if event.call_id != "text"]
    return attrs.evolve(
        good, events=[*history, *others], calls=[attrs.evolve(good.calls[0], version=9), *good.calls[1:]]
    )


def names(*kills: tuple[float, str]) -> set[str]:
    records = [*good_telling().records, *(Fault(at_seconds, what) for at_seconds, what in kills)]
    return set(check(records, set_aside_and_reprocessed()).names)


def test_after_three_kills_in_a_row_a_call_may_be_set_aside_and_is_archived_when_reprocessed() -> None:
    assert names(*KILLS) == set()


@pytest.mark.parametrize("spared", range(3))
def test_a_call_is_not_set_aside_after_fewer(spared: int) -> None:
    kills = [kill for place, kill in enumerate(KILLS) if place != spared]
    assert names(*kills) == {"set_aside_without_kills"}


def test_the_death_of_another_process_is_none_of_its_business() -> None:
    assert names(*KILLS[:2], (1_096.0, "PostgreSQL killed")) == {"set_aside_without_kills"}
