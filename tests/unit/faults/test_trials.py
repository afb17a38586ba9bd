"""What a trial is judged by, and which experiments there are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from faults.checker import Figures
from faults.command_line import chosen, parse
from faults.experiments.everyone import CONTROLS, EXPERIMENTS
from faults.experiments.experiment import Experiment, Extent
from faults.report import judgement
from faults.stage import Stage
from faults.trial import Trial
from faults.turns import Turns
from faults.violation import Violation

SOMETHING = Figures(
    requests=1,
    acknowledged=1,
    refused=0,
    unavailable=0,
    without_answer=0,
    spooled=0,
    slowest_answer_seconds=0.0,
    deadlocks=0,
    packets_stored=0,
    calls_archived=0,
    calls_failed=0,
    effects=0,
    effects_repeated=0,
)


def trial_of(experiment: Experiment, *names: str, figures: Figures = SOMETHING) -> Trial:
    return Trial(
        experiment=experiment,
        seed=1,
        seconds=1.0,
        faults=0,
        figures=figures,
        violations=tuple(Violation(name, "something") for name in names),
    )


@pytest.fixture
def stage() -> Stage:
    """Of nothing at all."""
    nothing = cast(Any, None)
    return Stage(*[nothing] * 8)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_is_as_expected_without_violations(experiment: Experiment) -> None:
    assert trial_of(experiment).is_as_expected
    assert not trial_of(experiment, "packet_lost").is_as_expected


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_is_as_expected_when_its_fault_is_named(control: Experiment) -> None:
    assert trial_of(control, *control.must_show, "call_never_started").is_as_expected
    assert not trial_of(control, "call_never_started").is_as_expected
    assert judgement(trial_of(control)).startswith("NOT SEEN")


@pytest.mark.parametrize("experiment", [EXPERIMENTS[0], CONTROLS[0]])
def test_nothing_is_as_expected_where_nothing_was_acknowledged(experiment: Experiment) -> None:
    trial = trial_of(experiment, *experiment.must_show, figures=attrs.evolve(SOMETHING, acknowledged=0))
    assert not trial.is_as_expected
    assert judgement(trial) == "NOTHING WAS ACKNOWLEDGED"


def test_all_are_run_unless_some_are_named() -> None:
    assert chosen(frozenset()) == [*EXPERIMENTS, *CONTROLS]
    assert [experiment.name for experiment in chosen(frozenset({"database-cut"}))] == ["database-cut"]


def test_an_unknown_name_ends_the_process() -> None:
    with pytest.raises(SystemExit, match="no experiment is called nothing"):
        chosen(frozenset({"nothing"}))


@pytest.mark.parametrize("text", ["0", "-1", "two"])
def test_rounds_are_one_or_more(text: str) -> None:
    with pytest.raises(SystemExit):
        parse(["--rounds", text])


def turns(folder: Path, minutes: float | None = None, rounds: int | None = None) -> Turns:
    return Turns(1, minutes, rounds, folder, lambda trial: None)


def test_a_soak_has_the_long_form_and_rounds_have_their_number(tmp_path: Path) -> None:
    def extents(turns: Turns) -> list[Extent]:
        return [turn.extent for turn in turns.once(EXPERIMENTS)]

    assert extents(turns(tmp_path)) == [experiment.short for experiment in EXPERIMENTS]
    assert extents(turns(tmp_path, minutes=1)) == [experiment.long for experiment in EXPERIMENTS]
    assert {extent.rounds for extent in extents(turns(tmp_path, rounds=3))} == {3}


def test_an_experiment_alone_has_the_seed_that_it_has_among_others(tmp_path: Path) -> None:
    (alone,) = turns(tmp_path).once(EXPERIMENTS[2:3])
    among = {turn.experiment.name: turn.seed for turn in turns(tmp_path).once(EXPERIMENTS)}
    assert alone.seed == among[EXPERIMENTS[2].name]
    assert len(set(among.values())) == len(EXPERIMENTS)


def test_rounds_are_as_many_as_are_asked_for_or_until_time_is_up(stage: Stage) -> None:
    assert list(stage.rounds(0)) == [1]
    began = time.monotonic()
    assert len(list(stage.rounds(0.05))) > 1
    assert time.monotonic() - began >= 0.05
    stage.most_rounds = 3
    assert list(stage.rounds(0)) == [1, 2, 3]


def test_a_seed_is_drawn_where_none_is_given() -> None:
    assert parse(["--seed", "7"]).seed == 7
    assert len({parse([]).seed for _ in range(5)}) > 1
