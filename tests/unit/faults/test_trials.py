"""What a trial is judged by, and which experiments there are."""

from __future__ import annotations

import attrs
import pytest

from faults.checker import Figures
from faults.command_line import chosen, parse
from faults.experiments.everyone import CONTROLS, EXPERIMENTS
from faults.experiments.experiment import Experiment
from faults.report import judgement
from faults.trial import Trial
from faults.violation import Violation

SOMETHING = Figures(
    requests=1,
    acknowledged=1,
    refused=0,
    unavailable=0,
    without_answer=0,
    packets_stored=0,
    calls_archived=0,
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


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_is_as_expected_without_violations(experiment: Experiment) -> None:
    assert trial_of(experiment).is_as_expected
    assert not trial_of(experiment, "packet_lost").is_as_expected


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_is_as_expected_when_its_fault_is_named(control: Experiment) -> None:
    assert trial_of(control, *control.must_show, "not_archived").is_as_expected
    assert not trial_of(control, "not_archived").is_as_expected
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


def test_a_seed_is_drawn_where_none_is_given() -> None:
    assert parse(["--seed", "7"]).seed == 7
    assert len({parse([]).seed for _ in range(5)}) > 1
