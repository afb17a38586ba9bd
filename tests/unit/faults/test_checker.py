"""The checker is silent about a good run and names every fault that is planted in one."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import attrs
import pytest

from faults.checker import Verdict, check
from faults.expected import Expected
from faults.history import Action, requests_of
from faults.observed import Observed, SpoolRefusal, StoredCall, StoredEvent, StoredPacket, StoredStream
from faults.rules.answers import refused_writes
from tests.unit.faults.good_run import (
    MULAW,
    Telling,
    effect,
    good_observed,
    good_telling,
    packet,
    whole_history,
)


def verdict(observed: Observed, telling: Telling | None = None, **expected: Any) -> Verdict:
    return check((telling or good_telling()).records, observed, Expected(**expected))


def test_a_good_run_has_no_violations() -> None:
    assert verdict(good_observed()).violations == ()


def test_the_figures_tell_how_much_was_tried() -> None:
    figures = verdict(good_observed()).figures
    assert (figures.requests, figures.acknowledged, figures.refused) == (13, 9, 2)
    assert (figures.unavailable, figures.without_answer) == (1, 1)
    assert (figures.packets_stored, figures.calls_archived) == (4, 2)
    assert (figures.effects, figures.effects_repeated) == (3, 0)


# -- planted in what is there -------------------------------------------------------------------------


def without_packet_2_of_text(good: Observed) -> Observed:
    """With all that belongs to it, so that nothing but its absence shows."""
    return attrs.evolve(
        good,
        packets=[row for row in good.packets if (row.call_id, row.sequence) != ("text", 2)],
        streams=[StoredStream("text", "main", ((1, 1),), 14), *good.streams[1:]],
        calls=[attrs.evolve(good.calls[0], transcript="Good morning. "), *good.calls[1:]],
    )


def with_other_bytes(good: Observed) -> Observed:
    rows = [attrs.evolve(row, data=bytes([3, 4, 6])) if row.data[0] == 3 else row for row in good.packets]
    return attrs.evolve(good, packets=rows)


def with_a_packet_that_nobody_sent(good: Observed) -> Observed:
    return attrs.evolve(good, packets=[*good.packets, StoredPacket("audio", "main", 3, b"\0")])


def with_a_packet_twice(good: Observed) -> Observed:
    return attrs.evolve(good, packets=[*good.packets, good.packets[0]])


def with_a_stream_that_says_too_much(good: Observed) -> Observed:
    return attrs.evolve(good, streams=[StoredStream("text", "main", ((1, 3),), 22), good.streams[1]])


def with_a_stream_that_counts_wrong(good: Observed) -> Observed:
    return attrs.evolve(good, streams=[StoredStream("text", "main", ((1, 2),), 23), good.streams[1]])


def with_a_duplicate_too_many(good: Observed) -> Observed:
    """Packet 2 was sent three times."""
    return attrs.evolve(good, streams=[attrs.evolve(good.streams[0], duplicates=3), good.streams[1]])


def without_a_stream(good: Observed) -> Observed:
    return attrs.evolve(good, streams=good.streams[1:])


def without_a_call(good: Observed) -> Observed:
    return attrs.evolve(good, calls=good.calls[1:])


def with_a_call_that_nobody_started(good: Observed) -> Observed:
    row = StoredCall("other", "IN_PROGRESS", 1, "text/plain")
    event = StoredEvent("other", 1, "IN_PROGRESS", "call_started")
    return attrs.evolve(good, calls=[*good.calls, row], events=[*good.events, event])


def of_text(good: Observed, history: list[StoredEvent], **changes: Any) -> Observed:
    others = [event for event in good.events if event.call_id != "text"]
    call = attrs.evolve(good.calls[0], **changes)
    return attrs.evolve(good, calls=[call, good.calls[1]], events=[*history, *others])


def with_an_event_version_twice(good: Observed) -> Observed:
    history = whole_history("text")
    return of_text(good, [*history, history[-1]])


def with_an_event_version_left_out(good: Observed) -> Observed:
    return of_text(good, [event for event in whole_history("text") if event.version != 4])


def with_an_illegal_transition(good: Observed) -> Observed:
    """From IN_PROGRESS to PROCESSING_AI, without a completion."""
    history = [event for event in whole_history("text") if event.event != "call_completed"]
    renumbered = [attrs.evolve(event, version=version) for version, event in enumerate(history, start=1)]
    return of_text(good, renumbered, version=4)


def with_no_history(good: Observed) -> Observed:
    return of_text(good, [])


def in_another_state_than_its_last_event(good: Observed) -> Observed:
    history = [*whole_history("text"), StoredEvent("text", 6, "PROCESSING_AI", "reprocess_requested")]
    return of_text(good, history, version=6)


def at_another_version_than_its_last_event(good: Observed) -> Observed:
    return of_text(good, whole_history("text"), version=6)


def not_archived(good: Observed) -> Observed:
    return of_text(good, whole_history("text")[:4], state="PROCESSING_AI", version=4, transcript=None)


def failed(good: Observed, reason: str = "ai_unavailable") -> Observed:
    history = [*whole_history("text")[:4], StoredEvent("text", 5, "FAILED", "call_failed", 1, 1_102.0)]
    return of_text(good, history, state="FAILED", failure_reason=reason)


def with_other_words(good: Observed) -> Observed:
    return of_text(good, whole_history("text"), transcript="Good morning. ")


def with_an_effect_twice_under_one_key(good: Observed) -> Observed:
    return attrs.evolve(good, ai_requests=[*good.ai_requests, good.ai_requests[0]])


def with_an_effect_again_in_another_run(good: Observed) -> Observed:
    """The first run's was never saved, and nothing was broken meanwhile."""
    again = [effect("text:0:analysis", 1_090.0), *good.ai_requests]
    return attrs.evolve(good, ai_requests=again)


def with_a_saved_step_again(good: Observed) -> Observed:
    return attrs.evolve(
        good, ai_requests=[*good.ai_requests, effect("audio:2:transcription:main.1", 1_200.0)]
    )


def archived_without_analysis(good: Observed) -> Observed:
    return attrs.evolve(good, ai_requests=good.ai_requests[1:])


def with_event_times(good: Observed, **at_seconds: float) -> Observed:
    """``at_seconds`` by the name of the event, of both calls."""
    changed = [
        attrs.evolve(event, at_seconds=at_seconds.get(event.event, event.at_seconds)) for event in good.events
    ]
    return attrs.evolve(good, events=changed)


def with_an_event_before_the_one_before(good: Observed) -> Observed:
    return with_event_times(good, call_transcribed=1_090.5)


def with_a_history_from_before_the_call(good: Observed) -> Observed:
    return with_event_times(good, call_started=990.0)


def with_an_event_in_the_future(good: Observed) -> Observed:
    return with_event_times(good, call_archived=1_201.0)


def with_a_deadlock(good: Observed) -> Observed:
    return attrs.evolve(good, deadlocks=1)


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        (with_an_event_before_the_one_before, "event_times_broken"),
        (with_a_history_from_before_the_call, "event_before_its_cause"),
        (with_an_event_in_the_future, "event_in_the_future"),
        (with_a_deadlock, "deadlock"),
        (without_packet_2_of_text, "packet_lost"),
        (with_other_bytes, "packet_bytes_differ"),
        (with_a_packet_that_nobody_sent, "packet_never_sent"),
        (with_a_packet_twice, "packet_stored_twice"),
        (with_a_stream_that_says_too_much, "stream_record_differs"),
        (with_a_stream_that_counts_wrong, "stream_record_differs"),
        (with_a_duplicate_too_many, "duplicates_made_up"),
        (without_a_stream, "stream_record_differs"),
        (without_a_call, "call_lost"),
        (without_a_call, "events_without_call"),
        (with_a_call_that_nobody_started, "call_never_started"),
        (with_an_event_version_twice, "event_versions_broken"),
        (with_an_event_version_left_out, "event_versions_broken"),
        (with_an_illegal_transition, "illegal_transition"),
        (with_no_history, "illegal_transition"),
        (in_another_state_than_its_last_event, "state_differs_from_history"),
        (at_another_version_than_its_last_event, "state_differs_from_history"),
        (not_archived, "not_archived"),
        (failed, "not_archived"),
        (with_other_words, "transcript_differs"),
        (with_an_effect_twice_under_one_key, "effect_twice_under_one_key"),
        (with_an_effect_again_in_another_run, "effect_repeated_without_fault"),
        (with_a_saved_step_again, "saved_step_paid_again"),
        (archived_without_analysis, "archived_without_effect"),
    ],
)
def test_a_fault_planted_in_what_is_there_is_named(plant: Callable[[Observed], Observed], name: str) -> None:
    assert name in verdict(plant(good_observed())).names


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        (without_packet_2_of_text, "packet_lost"),
        (with_an_illegal_transition, "illegal_transition"),
        (in_another_state_than_its_last_event, "state_differs_from_history"),
        (with_other_words, "transcript_differs"),
        (with_a_duplicate_too_many, "duplicates_made_up"),
        (with_a_call_that_nobody_started, "call_never_started"),
        (with_an_effect_again_in_another_run, "effect_repeated_without_fault"),
    ],
)
def test_a_fault_that_breaks_one_promise_is_given_one_name(
    plant: Callable[[Observed], Observed], name: str
) -> None:
    assert [violation.name for violation in verdict(plant(good_observed())).violations] == [name]


# -- how often packets came again ---------------------------------------------------------------------

AGAIN = packet(1, "AAEC")


@pytest.mark.parametrize(
    ("action", "body", "answer"),
    [
        ("packet", AGAIN, {"status": "duplicate"}),
        ("delivery", {"packets": [AGAIN]}, {"status": "accepted", "accepted": 0, "duplicates": 1}),
    ],
)
def test_what_was_answered_as_a_duplicate_is_counted_neither_less_nor_more(
    action: Action, body: dict[str, Any], answer: dict[str, Any]
) -> None:
    telling, good = good_telling(), good_observed()
    telling.told(action, "audio", body, 202, answer)

    def counting(duplicates: int) -> Observed:
        return attrs.evolve(
            good, streams=[good.streams[0], attrs.evolve(good.streams[1], duplicates=duplicates)]
        )

    assert verdict(counting(0), telling).names == {"duplicates_not_counted"}
    assert verdict(counting(1), telling).violations == ()
    assert verdict(counting(2), telling).names == {"duplicates_made_up"}


def test_what_was_not_answered_or_spooled_may_be_counted_or_not() -> None:
    """Whether it came before, nobody was told."""
    telling, good = good_telling(), good_observed()
    telling.told("packet", "audio", AGAIN, None)
    telling.told("packet", "audio", AGAIN, 202, {"status": "accepted", "durability": "spooled"})
    for duplicates in range(3):
        stream = attrs.evolve(good.streams[1], duplicates=duplicates)
        assert verdict(attrs.evolve(good, streams=[good.streams[0], stream]), telling).violations == ()


# -- planted in what was told -------------------------------------------------------------------------


def test_a_packet_acknowledged_from_the_spool_is_acknowledged() -> None:
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), 202, {"durability": "spooled"})
    assert verdict(good_observed(), telling).names == {"packet_lost"}


def test_every_packet_of_an_acknowledged_delivery_is_acknowledged() -> None:
    telling = good_telling()
    telling.told("delivery", "audio", {"packets": [packet(1, "AAEC"), packet(3, "BgcI")]}, 202)
    told = verdict(good_observed(), telling)
    assert [violation.name for violation in told.violations] == ["packet_lost"]
    assert "packet 3" in told.violations[0].what


def test_a_refused_delivery_leaves_none_of_its_packets() -> None:
    telling = good_telling()
    telling.told("delivery", "audio", {"packets": [packet(3, "BgcI"), packet(1, "BBBB")]}, 409)
    good = good_observed()
    assert verdict(good, telling).violations == ()
    torn = attrs.evolve(
        good,
        packets=[*good.packets, StoredPacket("audio", "main", 3, bytes([6, 7, 8]))],
        streams=[good.streams[0], StoredStream("audio", "main", ((1, 3),), 9)],
    )
    assert verdict(torn, telling).names == {"refused_packet_stored"}


def test_a_packet_that_was_only_ever_refused_leaves_no_row() -> None:
    good = good_observed()
    row = StoredPacket("text", "main", 2, b"Something else.")
    others = [row if (old.call_id, old.sequence) == ("text", 2) else old for old in good.packets]
    assert verdict(attrs.evolve(good, packets=others)).names >= {"refused_packet_stored"}


@pytest.mark.parametrize("status", [503, None])
def test_a_packet_whose_outcome_nobody_knows_may_be_there_or_not(status: int | None) -> None:
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), status)
    good = good_observed()
    stored = attrs.evolve(
        good,
        packets=[*good.packets, StoredPacket("audio", "main", 3, bytes([6, 7, 8]))],
        streams=[good.streams[0], StoredStream("audio", "main", ((1, 3),), 9)],
    )
    assert verdict(good, telling).violations == ()
    assert verdict(stored, telling).violations == ()


def test_a_packet_refused_after_an_unknown_outcome_may_be_there() -> None:
    """The first attempt was stored, and the call closed before the second."""
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), 503)
    telling.told("packet", "audio", packet(3, "BgcI"), 409)
    good = good_observed()
    stored = attrs.evolve(
        good,
        packets=[*good.packets, StoredPacket("audio", "main", 3, bytes([6, 7, 8]))],
        streams=[good.streams[0], StoredStream("audio", "main", ((1, 3),), 9)],
    )
    assert verdict(stored, telling).violations == ()


def test_other_bytes_acknowledged_under_a_number_are_named() -> None:
    telling = good_telling()
    telling.told("packet", "text", packet(2, "Something else."), 202)
    assert verdict(good_observed(), telling).names == {"packet_bytes_differ"}


def test_a_call_that_was_only_ever_refused_is_not_there() -> None:
    telling = good_telling()
    telling.told("packet", "other", packet(1, "\0"), 422)
    good = good_observed()
    row = StoredCall("other", "IN_PROGRESS", 1, "text/plain")
    event = StoredEvent("other", 1, "IN_PROGRESS", "call_started")
    stored = attrs.evolve(good, calls=[*good.calls, row], events=[*good.events, event])
    assert verdict(stored, telling).names == {"call_never_started"}


def test_a_call_that_nobody_completed_stays_in_progress() -> None:
    telling = Telling()
    telling.told("init", "text", {"call_id": "text"}, 201)
    telling.told("packet", "text", packet(1, "Good morning. "), 202)
    telling.told("packet", "text", packet(2, "Goodbye."), 202)
    telling.told("init", "audio", {"call_id": "audio", "media": MULAW}, 201)
    telling.told("packet", "audio", packet(1, "AAEC"), 202)
    telling.told("packet", "audio", packet(2, "AwQF"), 202)
    telling.told("complete", "audio", {}, 202)
    assert verdict(good_observed(), telling).names == {"completed_by_nobody"}


@pytest.mark.parametrize(
    "streams",
    [
        [],
        [{"stream": "main", "next_expected": 2, "missing": []}],
        [{"stream": "main", "next_expected": 3, "missing": [[2, 2]]}],
        [{"stream": "other", "next_expected": 3, "missing": []}],
    ],
)
def test_a_read_that_does_not_show_what_was_acknowledged_before_is_named(streams: list[object]) -> None:
    telling = good_telling()
    telling.told("read", "text", {}, 200, {"streams": streams})
    assert verdict(good_observed(), telling).names == {"acknowledged_not_shown"}


def test_a_read_that_does_not_know_an_acknowledged_call_is_named() -> None:
    telling = good_telling()
    telling.told("read", "text", {}, 404)
    assert verdict(good_observed(), telling).names == {"acknowledged_not_shown"}


def test_a_read_need_not_show_what_was_acknowledged_after_it_was_sent() -> None:
    telling = Telling()
    telling.told("init", "text", {"call_id": "text"}, 201)
    telling.told("packet", "text", packet(1, "Good morning. "), 202)
    reading = telling.asked("read", "text", {})
    telling.told("packet", "text", packet(2, "Goodbye."), 202)
    telling.answered(reading, 200, {"streams": [{"stream": "main", "next_expected": 2, "missing": []}]})
    assert "acknowledged_not_shown" not in verdict(good_observed(), telling).names


def test_an_answer_that_is_a_fault_of_the_service_is_named() -> None:
    telling = good_telling()
    telling.told("packet", "text", packet(1, "Good morning. "), 500)
    assert verdict(good_observed(), telling).names == {"internal_error"}


# -- what only some experiments promise ---------------------------------------------------------------


def test_an_answer_may_take_its_time_but_where_an_experiment_says_how_much() -> None:
    telling = good_telling()
    number = telling.asked("packet", "audio", packet(2, "AwQF"))
    telling.waited(9)
    telling.answered(number, 202)
    assert verdict(good_observed(), telling, answers_within_seconds=11).names == {"answered_late"}  # of None
    told = verdict(good_observed(), telling, answers_within_seconds=5)
    assert [violation.what for violation in told.violations] == [
        "attempt 3 (packet): never",
        f"attempt {number} (packet): after 10.0 s",
    ]
    assert verdict(good_observed(), telling).violations == ()
    assert verdict(good_observed(), telling).figures.slowest_answer_seconds == 10


def test_a_read_may_take_its_time() -> None:
    telling = Telling()
    number = telling.asked("read", "text", {})
    telling.waited(9)
    telling.answered(number, 503)
    assert "answered_late" not in verdict(good_observed(), telling, answers_within_seconds=5).names


def test_a_call_may_be_archived_late_but_where_an_experiment_says_when() -> None:
    assert verdict(good_observed(), archives_within_seconds=12).violations == ()
    assert verdict(good_observed(), archives_within_seconds=11).names == {"archived_late"}


def test_a_completed_call_may_be_failed_for_the_reasons_that_an_experiment_names() -> None:
    refused = failed(good_observed(), "ai_refused")
    assert verdict(refused, may_fail_for=frozenset({"ai_refused"})).violations == ()
    assert verdict(refused, may_fail_for=frozenset({"ai_unavailable"})).names == {"not_archived"}
    assert verdict(refused).figures.calls_failed == 1


def test_times_are_those_of_a_database_whose_clock_is_off() -> None:
    ahead = attrs.evolve(good_observed(), at_seconds=inf)
    names = {"event_before_its_cause"}
    assert verdict(ahead, database_ahead_seconds=100).names == names
    assert verdict(ahead, database_ahead_seconds=-3_600).violations == ()


# -- effects and faults -------------------------------------------------------------------------------


def test_an_effect_repeated_after_a_fault_before_its_saving_is_counted() -> None:
    telling = good_telling()
    telling.broke("service killed", 1_092.0)
    told = verdict(with_an_effect_again_in_another_run(good_observed()), telling)
    assert told.violations == ()
    assert told.figures.effects_repeated == 1


def test_a_fault_while_the_effect_was_being_answered_explains_its_repetition() -> None:
    telling = good_telling()
    telling.broke("service killed", 1_089.7)
    assert verdict(with_an_effect_again_in_another_run(good_observed()), telling).violations == ()


@pytest.mark.parametrize("at_seconds", [1_089.0, 1_101.0])
def test_a_fault_before_or_after_explains_no_repetition(at_seconds: float) -> None:
    telling = good_telling()
    telling.broke("service killed", at_seconds)
    names = verdict(with_an_effect_again_in_another_run(good_observed()), telling).names
    assert names == {"effect_repeated_without_fault"}


def test_no_fault_explains_that_a_saved_step_is_paid_again() -> None:
    telling = good_telling()
    telling.broke("service killed", 1_150.0)
    assert verdict(with_a_saved_step_again(good_observed()), telling).names == {"saved_step_paid_again"}


# -- the spool -----------------------------------------------------------------------------------------

SPOOLED = {"status": "accepted", "durability": "spooled"}
REFUSED = SpoolRefusal(
    "text", {"packets": [{"stream": "main", "sequence": 2, "timestamp": 2.0, "text": "Something else."}]}
)


def with_a_conflict_that_was_spooled() -> Telling:
    telling = good_telling()
    telling.told("packet", "text", packet(2, "Something else."), 202, SPOOLED)
    return telling


def test_what_was_spooled_and_refused_on_replay_is_not_lost() -> None:
    observed = attrs.evolve(good_observed(), spool_refusals=[REFUSED])
    assert verdict(observed, with_a_conflict_that_was_spooled()).violations == ()


def test_what_was_spooled_and_is_neither_stored_nor_kept_as_refused_is_lost() -> None:
    assert verdict(good_observed(), with_a_conflict_that_was_spooled()).names == {"packet_bytes_differ"}
    telling = good_telling()
    telling.told("packet", "audio", packet(3, "BgcI"), 202, SPOOLED)
    observed = attrs.evolve(good_observed(), spool_refusals=[REFUSED])
    assert verdict(observed, telling).names == {"packet_lost"}


def test_a_spooled_packet_over_a_websocket_is_lost_unless_an_entry_that_was_refused_has_it() -> None:
    telling = good_telling()
    for sequence, data in ((3, "BgcI"), (4, "CQoL")):
        telling.answered(telling.asked("packet", "audio", packet(sequence, data), "websocket"), 202, SPOOLED)
    kept = {"stream": "main", "sequence": 3, "timestamp": 3.0, "raw": "BgcI"}
    conflict = {"stream": "main", "sequence": 1, "timestamp": 1.0, "raw": "////"}
    observed = attrs.evolve(
        good_observed(), spool_refusals=[SpoolRefusal("audio", {"packets": [kept, conflict]})]
    )
    (lost,) = verdict(observed, telling).violations
    assert (lost.name, "packet 4" in lost.what) == ("packet_lost", True)


def test_a_write_that_was_refused_for_want_of_something_is_named_where_none_may_be() -> None:
    telling = good_telling()
    telling.told("read", "text", {}, 503)
    telling.told("packet", "text", packet(1, "Good morning. "), None)
    refused = [*refused_writes(requests_of(telling.records))]
    assert [violation.name for violation in refused] == ["write_refused"]
    assert "(packet) got 503" in refused[0].what


def test_what_was_refused_on_replay_must_not_be_stored() -> None:
    telling = Telling()
    telling.told("packet", "text", packet(1, "Good morning. "), 202, SPOOLED)
    refusal = SpoolRefusal(
        "text", {"packets": [{"stream": "main", "sequence": 1, "timestamp": 1.0, "text": "Good morning. "}]}
    )
    observed = Observed(
        packets=[StoredPacket("text", "main", 1, b"Good morning. ")],
        streams=[StoredStream("text", "main", ((1, 1),), 14)],
        spool_refusals=[refusal],
    )
    assert verdict(observed, telling).names == {"refused_packet_stored"}
