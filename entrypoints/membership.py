"""What ties the processes that share a port to the supervisor that began them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import attrs

LISTENING: Final = b"l"
"""From a process: it has started."""

STOP: Final = b"s"
HURRY: Final = b"h"
"""From the supervisor. Not signals: a service manager sends those to every process of ours, and then a
signal that is passed on would be the second."""


@attrs.frozen
class Membership:
    """One process's side. ``number`` is its own among those that live, and its successor's when it dies.

    ``socket_number`` is a file descriptor: one end of a pair of sockets. That the other end closes is how
    either side hears of the other's death, whatever killed it.
    """

    number: int
    socket_number: int

    @asynccontextmanager
    async def kept(self, stop: Callable[[], None], hurry: Callable[[], None]) -> AsyncIterator[None]:
        """Tell that this process listens, and pass on what the supervisor says; its death says `stop`."""
        tie = socket.socket(fileno=self.socket_number)
        reader, writer = await asyncio.open_unix_connection(sock=tie)
        writer.write(LISTENING)
        obeying = asyncio.create_task(_obey(reader, stop, hurry))
        try:
            yield
        finally:
            obeying.cancel()
            writer.close()


async def _obey(reader: asyncio.StreamReader, stop: Callable[[], None], hurry: Callable[[], None]) -> None:
    with suppress(ConnectionError):
        while word := await reader.read(1):
            (hurry if word == HURRY else stop)()
    stop()
