"""The transaction promise: one command, one fresh unit of work, one commit."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from application.ports import CallRepository, JobQueue, PacketRepository

_open: ContextVar[bool] = ContextVar("unit_of_work_is_open", default=False)


class UnitOfWork(Protocol):
    """One transaction. It rolls back unless :meth:`commit` was called, and then all of it is durable.

    Every method may raise StorageUnavailable; commit may raise OutcomeUnknown. Lock the calls first,
    then save calls, packets and jobs, in this order everywhere.
    """

    @property
    def calls(self) -> CallRepository: ...

    @property
    def packets(self) -> PacketRepository: ...

    @property
    def jobs(self) -> JobQueue: ...

    @property
    def now(self) -> datetime:
        """The storage's own time once calls were locked: the one clock of all processes.

        Later than every lock that is held, so that a call's events are in the order of their times.
        """
        ...

    async def commit(self) -> None: ...


class UnitOfWorkFactory(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[UnitOfWork]: ...


@contextmanager
def open_unit_of_work() -> Iterator[None]:
    """Mark the current task as being inside a transaction. For implementations of UnitOfWork."""
    token = _open.set(True)
    try:
        yield
    finally:
        _open.reset(token)


def refuse_inside_unit_of_work(what: str) -> None:
    """Adapters that call out ask this first: a call out inside a transaction is a bug."""
    if _open.get():
        raise RuntimeError(f"{what} inside a unit of work: locks would be held while it waits")
