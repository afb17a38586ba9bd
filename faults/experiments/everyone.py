"""All experiments and controls, in the order in which they are run."""

from __future__ import annotations

from functools import partial
from typing import Final

from faults.expected import Expected
from faults.experiments.ai_misbehaves import AI_MISBEHAVES
from faults.experiments.clients_hang_up import CLIENTS_HANG_UP, break_nothing
from faults.experiments.clocks_off import CLOCKS_OFF
from faults.experiments.database_away import DATABASE_AWAY
from faults.experiments.database_cut import DATABASE_CUT
from faults.experiments.database_dark import DATABASE_DARK
from faults.experiments.database_disk_full import DATABASE_DISK_FULL
from faults.experiments.database_resets import DATABASE_RESETS
from faults.experiments.database_slow import DATABASE_SLOW
from faults.experiments.eight_writers import EIGHT_WRITERS, write_crosswise
from faults.experiments.experiment import Experiment, Extent
from faults.experiments.migration_under_load import MIGRATION_UNDER_LOAD
from faults.experiments.packets_in_disorder import PACKETS_IN_DISORDER
from faults.experiments.postgres_fast_restarts import POSTGRES_FAST_RESTARTS
from faults.experiments.postgres_killed import POSTGRES_KILLED, kill_postgres_with_commits_unwritten
from faults.experiments.service_killed import SERVICE_KILLED, kill_the_service
from faults.experiments.service_restarted import SERVICE_RESTARTED
from faults.experiments.spool_disk_full import SPOOL_DISK_FULL
from faults.experiments.stopped_with_open_websockets import STOPPED_WITH_OPEN_WEBSOCKETS
from faults.experiments.worker_frozen import WORKER_FROZEN, freeze_the_worker

EXPERIMENTS: Final = (
    DATABASE_AWAY,
    SERVICE_KILLED,
    POSTGRES_KILLED,
    POSTGRES_FAST_RESTARTS,
    SERVICE_RESTARTED,
    STOPPED_WITH_OPEN_WEBSOCKETS,
    DATABASE_CUT,
    CLIENTS_HANG_UP,
    DATABASE_SLOW,
    DATABASE_RESETS,
    DATABASE_DARK,
    PACKETS_IN_DISORDER,
    AI_MISBEHAVES,
    *CLOCKS_OFF,
    EIGHT_WRITERS,
    MIGRATION_UNDER_LOAD,
    WORKER_FROZEN,
    DATABASE_DISK_FULL,
    SPOOL_DISK_FULL,
)

_control: Final = partial(Experiment, short=Extent(10.0), long=Extent(10.0))

CONTROLS: Final = (
    _control(
        name="control-acknowledges-first",
        expectation="A service that answers before it commits loses packets when it is killed.",
        program="faults.controls.acknowledges_first",
        disturb=kill_the_service,
        must_show=frozenset({"packet_lost"}),
    ),
    _control(
        name="control-commits-unsynced",
        expectation="A service that commits with synchronous_commit=off loses packets when PostgreSQL is "
        "killed.",
        program="faults.controls.commits_unsynced",
        breaks_postgres=True,
        disturb=kill_postgres_with_commits_unwritten,
        must_show=frozenset({"packet_lost"}),
    ),
    _control(
        name="control-sees-no-conflicts",
        expectation="A service that takes other bytes under a number for a duplicate acknowledges what it "
        "has not stored.",
        program="faults.controls.sees_no_conflicts",
        disturb=break_nothing,
        must_show=frozenset({"packet_bytes_differ"}),
    ),
    _control(
        name="control-locks-unordered",
        expectation="A service whose transactions lock their calls in any order has deadlocks.",
        program="faults.controls.locks_unordered",
        short=Extent(3.0),
        calls_per_second=0,
        disturb=write_crosswise,
        must_show=frozenset({"deadlock"}),
    ),
    _control(
        name="control-uses-its-own-clock",
        expectation="A service that is an hour behind PostgreSQL, and believes its own clock, tells of calls "
        "that began before anyone asked for them.",
        program="faults.controls.uses_its_own_clock",
        short=Extent(3.0),
        expected=Expected(database_ahead_seconds=3_600),
        disturb=break_nothing,
        must_show=frozenset({"event_before_its_cause"}),
    ),
    _control(
        name="control-admits-superseded-runs",
        expectation="A service whose runs are not fenced keeps what a frozen worker finds after its call was "
        "taken over.",
        program="faults.controls.admits_superseded_runs",
        short=Extent(8.0),
        disturb=freeze_the_worker,
        must_show=frozenset({"superseded_run_saved"}),
    ),
    _control(
        name="control-stores-twice",
        expectation="A service that knows no duplicates, on a table without its key, stores a packet twice.",
        program="faults.controls.stores_twice",
        short=Extent(4.0),
        disturb=break_nothing,
        must_show=frozenset({"packet_stored_twice"}),
    ),
    _control(
        name="control-replays-half",
        expectation="A service that drops half of what it spooled loses packets when PostgreSQL is killed.",
        program="faults.controls.replays_half",
        short=Extent(5.0),
        breaks_postgres=True,
        disturb=kill_postgres_with_commits_unwritten,
        must_show=frozenset({"packet_lost"}),
    ),
    _control(
        name="control-forgets-jobs",
        expectation="A service whose jobs count as done when they have begun, and that never looks for calls "
        "without one, leaves calls behind when it is killed.",
        program="faults.controls.forgets_jobs",
        short=Extent(5.0),
        disturb=kill_the_service,
        must_show=frozenset({"not_archived"}),
        archived_within_seconds=6,
    ),
)
