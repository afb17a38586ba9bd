"""The contenders take turns, and one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from benchmarks.bench import PROJECT, Bench
from benchmarks.command_line import chosen, parse
from benchmarks.measurement import Measurement, NotMeasured, Unmeasured, Why
from benchmarks.postgres import Postgres
from benchmarks.rounds import measure
from tests.unit.benchmarks.some_results import OPTIONS, rate


@attrs.frozen
class FakeContender:
    name: str
    ran: list[tuple[str, int]]
    outcome: Callable[[], Measurement] = lambda: rate(1000)
    in_rounds: bool = True

    @property
    def title(self) -> str:
        return f"the {self.name}"

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        self.ran.append((self.name, round_number))
        return self.outcome()


def raises(error: Exception) -> Callable[[], Measurement]:
    def outcome() -> Measurement:
        raise error

    return outcome


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def bench(said: list[str], tmp_path: Path) -> Bench:
    return Bench(
        attrs.evolve(OPTIONS, rounds=2), Postgres("postgresql:///postgres", 0), tmp_path, said.append
    )


async def test_rounds_are_interleaved_and_what_is_measured_once_comes_last(
    bench: Bench, said: list[str]
) -> None:
    ran: list[tuple[str, int]] = []
    contenders = [
        FakeContender("live", ran, in_rounds=False),
        FakeContender("a", ran),
        FakeContender("b", ran),
    ]
    results = await measure(bench, contenders)
    assert ran == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("live", 1)]
    assert {name: len(outcomes) for name, outcomes in results.outcomes.items()} == {"live": 1, "a": 2, "b": 2}
    assert said[0] == "round 1/2: the a: 1,000/s, p99 5.0 ms"


async def test_a_failure_is_told_without_paths_and_tried_again_in_the_next_round(bench: Bench) -> None:
    ran: list[tuple[str, int]] = []
    error = ExceptionGroup("several", [OSError(f"no {PROJECT}/x and no {bench.folder}/y")])
    results = await measure(bench, [FakeContender("a", ran, raises(error)), FakeContender("b", ran)])
    assert ran == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert results.outcomes["a"] == [Unmeasured(Why.FAILED, "OSError: no …/x and no …/y")] * 2
    assert results.failed


async def test_what_is_not_served_is_not_tried_again(bench: Bench) -> None:
    ran: list[tuple[str, int]] = []
    not_served = NotMeasured(Why.NOT_SERVED, "415")
    group = ExceptionGroup("several", [not_served])
    contenders = [FakeContender("a", ran, raises(not_served)), FakeContender("b", ran, raises(group))]
    results = await measure(bench, contenders)
    assert ran == [("a", 1), ("b", 1)]
    assert results.outcomes == {name: [Unmeasured(Why.NOT_SERVED, "415")] for name in ("a", "b")}
    assert not results.failed


async def test_packets_that_were_lost_are_said_at_once(bench: Bench, said: list[str]) -> None:
    lost = attrs.evolve(rate(1000), acknowledged=102)
    await measure(bench, [FakeContender("a", [], lambda: lost)])
    assert said[0].endswith("BUT ONLY 100 OF 102 STORED")


def test_only_those_named_take_part_in_the_order_of_a_round() -> None:
    options = parse(["--only", "post", "--only", "copy"])
    assert [contender.name for contender in chosen(options)] == ["copy", "post"]


def test_the_large_database_is_asked_for() -> None:
    everyone = {contender.name for contender in chosen(parse([]))}
    with_large = {contender.name for contender in chosen(parse(["--large"]))}
    assert with_large - everyone == {"post-large", "websocket-large", "read-call-large", "read-list-large"}


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no contender is called posts; there are nothing-stored, .*post"):
        chosen(parse(["--only", "posts"]))


@pytest.mark.parametrize("rounds", ["0", "-1", "x"])
def test_nonsense_is_refused(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--rounds", rounds])
    assert "--rounds" in capsys.readouterr().err
