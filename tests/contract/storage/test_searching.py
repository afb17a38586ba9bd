"""Finding calls by words and failures, held against PostgreSQL and the fake."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from application.ports import CallPosition, Wanted
from application.search_words import search_words
from domain.analysis import Failure, FailureReason, Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.metadata import MAX_VALUE_CHARACTERS
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, save
from tests.contract.storage.rich_calls import at


def said(call_id: str, text: str, second: float = 0) -> Call:
    call = Call.start(call_id, at(second))
    call.complete({}, 2, at(second + 1))
    run = call.begin_run(at(second + 2))
    call.save_transcript(run, Transcript(text), at(second + 3))
    return call


async def found(storage: StorageArrangement, text: str, **wanted: object) -> list[str]:
    calls = await storage.reader.newest(Wanted(words=search_words(text), **wanted), None, 50)  # type: ignore[arg-type] # as named
    return [call.call_id for call in calls]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c-17", ["c-17b"]),
        ("C-17B", ["c-17b"]),
        ("17", ["c-17b"]),
        ("+1555", ["phoned"]),
        ("15551234", ["phoned"]),
        ("refund", ["asked", "c-17b"]),
        ("REFUND order", ["asked"]),
        ("ord refu", ["asked"]),
        ("refund order missing", []),
        ("grüße", ["greeted"]),
        ("世界", ["greeted"]),
        ("don't", ["greeted"]),
        ("12e5", ["numbers"]),
        ("3", ["numbers"]),
        ("sip alice", ["phoned"]),
        ("line", ["phoned"]),
    ],
)
async def test_each_word_begins_a_word_of_the_call(
    storage: StorageArrangement, text: str, expected: list[str]
) -> None:
    """Of its id, of its metadata's values, or of its transcript."""
    metadata = {"from": "+15551234", "to": "sip:alice@example.com", "note": 'two\nline\\s "x"'}
    await save(
        storage,
        said("c-17b", "No refund, please."),
        said("asked", "I want a refund for my order.", 1),
        said("greeted", "Grüße, 世界! I don't know.", 2),
        said("numbers", "12e5 and 3.14 and -7"),
        Call.start("phoned", at(3), metadata=metadata),
    )
    assert sorted(await found(storage, text)) == sorted(expected)


async def test_what_is_found_is_listed_page_by_page_and_by_state(storage: StorageArrangement) -> None:
    calls = [said(f"c-{number}", "the same words", number // 3) for number in range(8)]
    await save(storage, *calls, rich_calls.archived("other"))
    in_order = [
        call.call_id for call in sorted(calls, key=lambda call: (call.started_at, call.call_id), reverse=True)
    ]
    seen: list[str] = []
    after: CallPosition | None = None
    wanted = Wanted(state=CallState.PROCESSING_AI, words=["same", "wo"])
    while page := await storage.reader.newest(wanted, after, 3):
        seen += [call.call_id for call in page]
        after = CallPosition(page[-1].started_at, page[-1].call_id)
    assert seen == in_order
    assert await found(storage, "same", state=CallState.ARCHIVED) == []


async def test_the_longest_texts_are_searched_as_far_as_they_can_be(storage: StorageArrangement) -> None:
    """And nothing that a call may carry keeps it from being saved."""
    letters = [chr(0x20000 + number) for number in range(40_000)]
    metadata = {f"k{number}": "ü" * MAX_VALUE_CHARACTERS for number in range(64)}
    call = said("long", "needle " + " ".join(letters) + " " + "word " * 50_000)
    call.metadata = metadata
    await save(storage, call)
    assert await found(storage, "needle") == ["long"]
    assert await found(storage, "long") == ["long"]


async def failing(storage: StorageArrangement, reason: FailureReason, *call_ids: str) -> Sequence[Call]:
    calls = []
    for second, call_id in enumerate(call_ids):
        call = Call.start(call_id, at(second))
        call.complete({}, 2, at(50))
        call.fail(call.begin_run(at(60)), Failure(reason, f"why {call_id}"), at(100 + second))
        calls.append(call)
    await save(storage, *calls)
    return calls


async def test_failures_are_grouped_by_reason_the_largest_first(storage: StorageArrangement) -> None:
    assert list(await storage.reader.failures()) == []
    await failing(storage, FailureReason.POISON, "p")
    await failing(storage, FailureReason.AI_REFUSED, "a", "b", "c")
    await save(storage, rich_calls.archived(), rich_calls.in_progress("live"))
    groups = await storage.reader.failures()
    assert [(group.reason, group.count) for group in groups] == [
        (FailureReason.AI_REFUSED, 3),
        (FailureReason.POISON, 1),
    ]
    assert (groups[0].newest_at, groups[0].example_detail) == (at(102), "why c")


async def test_calls_that_failed_for_one_reason_are_listed(storage: StorageArrangement) -> None:
    await failing(storage, FailureReason.POISON, "p")
    await failing(storage, FailureReason.AI_REFUSED, "a", "b")
    wanted = Wanted(CallState.FAILED, FailureReason.AI_REFUSED)
    assert [call.call_id for call in await storage.reader.newest(wanted, None, 10)] == ["b", "a"]
    assert await found(storage, "b", failure_reason=FailureReason.AI_REFUSED) == ["b"]
