"""What befalls requests."""

from __future__ import annotations

from entrypoints.simulators.ai.chance import RETRY_AFTER_SECONDS, Chance

NAMES = [f"key-{number}" for number in range(4_000)]


def test_the_failure_share_holds_and_half_of_the_failures_name_a_wait() -> None:
    fates = [Chance(1, 0.25, (1, 3)).draw(name, 1) for name in NAMES]
    failed = [fate for fate in fates if fate.fails]
    assert 0.22 < len(failed) / len(fates) < 0.28
    assert 0.45 < sum(fate.retry_after_seconds == RETRY_AFTER_SECONDS for fate in failed) / len(failed) < 0.55
    assert all(fate.retry_after_seconds is None for fate in fates if not fate.fails)


def test_latencies_fill_their_range() -> None:
    latencies = [Chance(1, 0.25, (1, 3)).draw(name, 1).latency_seconds for name in NAMES]
    assert 1 <= min(latencies) < 1.1
    assert 2.9 < max(latencies) <= 3


def test_a_fate_hangs_on_seed_name_and_count_and_not_on_the_order() -> None:
    chance = Chance(5, 0.25, (0, 1))
    forwards = {name: chance.draw(name, 2) for name in NAMES}
    assert forwards == {name: chance.draw(name, 2) for name in reversed(NAMES)}
    assert forwards != {name: chance.draw(name, 3) for name in NAMES}
    assert forwards != {name: Chance(6, 0.25, (0, 1)).draw(name, 2) for name in NAMES}


def test_rates_of_none_and_all_are_exact() -> None:
    assert not any(Chance(1, 0, (0, 0)).draw(name, 1).fails for name in NAMES)
    assert all(Chance(1, 1, (0, 0)).draw(name, 1).fails for name in NAMES)
