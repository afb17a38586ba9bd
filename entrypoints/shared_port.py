"""`trunkline serve --processes N`: one port, several processes, and their counts as one."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapters.metrics.sharing import sharing_in
from entrypoints.membership import Membership
from entrypoints.service import Role, cannot_listen
from entrypoints.settings import Settings
from entrypoints.supervisor import Supervisor

ENDS_BEYOND_DRAIN_SECONDS: Final = 15
"""How much longer than ``drain_seconds`` a process may take to end: it answers what it took first."""


async def serve_with_many(settings: Settings, role: Role, processes: int) -> int:
    """`trunkline serve` in several processes; the exit status. Raises StartRefused."""
    place = await _reserve(settings.host, settings.port)
    port = place.sockets[0].getsockname()[1]
    options = [] if role.worker else ["--no-worker"]

    def command(membership: Membership) -> list[str]:
        member = [str(membership.number), str(membership.socket_number)]
        return [sys.executable, "-m", "entrypoints", "serve", *options, "--member", *member]

    with TemporaryDirectory(prefix="trunkline-metrics-") as folder:
        supervisor = Supervisor(
            command,
            processes=processes,
            environment={**os.environ, "TRUNKLINE_PORT": str(port), **sharing_in(Path(folder))},
            patience_seconds=settings.drain_seconds + ENDS_BEYOND_DRAIN_SECONDS,
        )
        try:
            return await supervisor.run()
        finally:
            place.close()


async def _reserve(host: str, port: int) -> asyncio.Server:
    """Keep the port, without listening, for processes that ask to share it. Raises StartRefused.

    Asked for without sharing first: else it would be shared with whoever shares it already.
    """
    loop = asyncio.get_running_loop()
    try:
        alone = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
        found = alone.sockets[0].getsockname()[1]
        alone.close()
        await alone.wait_closed()
        return await loop.create_server(asyncio.Protocol, host, found, reuse_port=True, start_serving=False)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
