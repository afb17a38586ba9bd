"""The guard that is off: every second entry of packets that were spooled is dropped when it is replayed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dependency_injector import providers

from application.ports import JournalEntry, Refusal
from application.replay_spool import ReplaySpool
from entrypoints.cli import main
from entrypoints.container import Container


class ReplaysHalf(ReplaySpool):
    """All of them count as done."""

    async def _deliver(self, entries: Sequence[JournalEntry]) -> list[Refusal]:
        return await super()._deliver(entries[::2])


if __name__ == "__main__":
    real = Container.replay_spool
    real.override(providers.Singleton(ReplaysHalf, *real.args))
    sys.exit(main(sys.argv[1:]))
