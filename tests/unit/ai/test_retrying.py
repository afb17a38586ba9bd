"""When another try is made, and what is logged of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from stamina.instrumentation import set_on_retry_hooks
from structlog.testing import capture_logs

from adapters.ai.retrying import WorthRetrying, log_retries_without_arguments
from application.errors import AIRefused, AIUnavailable
from tests.fakes.ai_provider import answer, words
from tests.unit.ai.asking import KEY, PART, Asking

DECIDE = WorthRetrying(wait_seconds=2, max_wait_seconds=60)


@pytest.fixture
def own_hooks() -> Iterator[None]:
    log_retries_without_arguments()
    yield
    set_on_retry_hooks(None)


def test_a_failure_that_may_pass_is_retried_after_the_usual_wait() -> None:
    assert DECIDE(AIUnavailable("busy")) is True


@pytest.mark.parametrize("error", [AIRefused("no"), ValueError("bug"), RuntimeError("bug"), TimeoutError()])
def test_nothing_else_is_retried(error: Exception) -> None:
    assert DECIDE(error) is False


def test_a_cancellation_is_not_retried() -> None:
    assert DECIDE(asyncio.CancelledError()) is False  # type: ignore[arg-type]  # stamina passes these too


def test_a_short_retry_after_leaves_the_usual_wait_which_is_longer() -> None:
    assert DECIDE(AIUnavailable("busy", 0)) is True
    assert DECIDE(AIUnavailable("busy", 2)) is True


@given(st.floats(2, 60, exclude_min=True))
def test_a_retry_after_sets_the_wait_with_jitter_and_within_the_bound(asked: float) -> None:
    wait = DECIDE(AIUnavailable("busy", asked))
    assert not isinstance(wait, bool)
    assert asked <= wait <= min(asked + 1, 60)


@pytest.mark.parametrize("asked", [60.001, 3_600, 86_400, float("inf")])
def test_a_longer_retry_after_ends_the_run(asked: float) -> None:
    assert DECIDE(AIUnavailable("busy", asked)) is False


async def test_waits_double_with_jitter(asking: Asking) -> None:
    asking.provider.will(answer(500, b""))
    waits: list[float] = []
    set_on_retry_hooks([lambda details: waits.append(details.wait_for)])
    try:
        with pytest.raises(AIUnavailable):
            await asking.transcriber(retry_wait_seconds=0.01, retry_attempts=4).transcribe(PART, "key-1")
    finally:
        set_on_retry_hooks(None)
    assert len(waits) == 3
    for wait, least in zip(waits, (0.01, 0.02, 0.04), strict=True):
        assert least <= wait <= least + 0.005


async def test_no_wait_is_longer_than_the_bound(asking: Asking) -> None:
    asking.provider.will(answer(500, b"", {"Retry-After": "0.015"}), answer(500, b""), words("hello"))
    waits: list[float] = []
    set_on_retry_hooks([lambda details: waits.append(details.wait_for)])
    settings = {"retry_wait_seconds": 0.01, "retry_max_wait_seconds": 0.0151}
    try:
        await asking.transcriber(**settings).transcribe(PART, "key-1")
    finally:
        set_on_retry_hooks(None)
    assert 0.015 <= waits[0] <= 0.0151
    assert waits[1] == 0.0151


async def test_the_log_names_the_step_and_holds_nothing_that_was_sent(
    asking: Asking, own_hooks: None
) -> None:
    asking.provider.will(answer(500, {"error": {"message": f"key {KEY}"}}), words("hello"))
    with capture_logs() as logged:
        await asking.transcriber().transcribe(PART, "key-1")
    (entry,) = logged
    assert entry.keys() == {
        "event", "log_level", "callable", "retry", "cause", "wait_seconds", "waited_seconds",
    }  # fmt: skip
    assert entry["event"] == "retry_scheduled"
    assert entry["retry"] == 1
    assert entry["cause"] == "AIUnavailable"
    assert "OpenAITranscriber.transcribe" in entry["callable"]
    assert KEY not in str(entry)


async def test_staminas_own_hooks_would_log_no_argument_either(asking: Asking) -> None:
    set_on_retry_hooks(None)
    asking.provider.will(answer(500, b""), words("hello"))
    with capture_logs() as logged:
        await asking.transcriber().transcribe(PART, "key-1")
    (entry,) = logged
    assert (entry["args"], entry["kwargs"]) == ((), {})


async def test_staminas_test_mode_takes_the_waits_out(asking: Asking) -> None:
    asking.provider.will(answer(500, b"", {"Retry-After": "59"}), answer(500, b""), words("hello"))
    with stamina.set_testing(True, attempts=5, cap=True):
        transcript = await asking.transcriber(retry_wait_seconds=50).transcribe(PART, "key-1")
    assert transcript.text == "hello"
