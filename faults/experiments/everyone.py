"""All experiments and controls, in the order in which they are run."""

from __future__ import annotations

from typing import Final

from faults.experiments.clients_hang_up import CLIENTS_HANG_UP, break_nothing
from faults.experiments.database_cut import DATABASE_CUT
from faults.experiments.experiment import Experiment
from faults.experiments.postgres_killed import POSTGRES_KILLED, kill_postgres
from faults.experiments.service_killed import SERVICE_KILLED, kill_the_service
from faults.experiments.service_restarted import SERVICE_RESTARTED

EXPERIMENTS: Final = (SERVICE_KILLED, POSTGRES_KILLED, SERVICE_RESTARTED, DATABASE_CUT, CLIENTS_HANG_UP)

CONTROLS: Final = (
    Experiment(
        name="control-acknowledges-first",
        expectation="A service that answers before it commits loses packets when it is killed.",
        program="faults.controls.acknowledges_first",
        disturb=kill_the_service,
        must_show=frozenset({"packet_lost"}),
    ),
    Experiment(
        name="control-commits-unsynced",
        expectation="A service that commits with synchronous_commit=off loses packets when PostgreSQL is "
        "killed.",
        program="faults.controls.commits_unsynced",
        disturb=kill_postgres,
        must_show=frozenset({"packet_lost"}),
    ),
    Experiment(
        name="control-sees-no-conflicts",
        expectation="A service that takes other bytes under a number for a duplicate acknowledges what it "
        "has not stored.",
        program="faults.controls.sees_no_conflicts",
        disturb=break_nothing,
        must_show=frozenset({"packet_bytes_differ"}),
    ),
)
