"""What the database's errors mean to the use cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from application.errors import BatchRefused, OutcomeUnknown, StorageUnavailable

_REFUSED_VALUES: Final = (
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)

_AWAY: Final = (
    OSError,  # includes every TimeoutError
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.InterfaceError,  # the connection or the pool is closed or closing
    asyncpg.exceptions.InternalClientError,  # what a connection says that is lost between two messages
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
    asyncpg.exceptions.TransactionRollbackError,  # deadlocks; all of it was rolled back
    asyncpg.exceptions.InvalidTransactionStateError,
    asyncpg.exceptions.PostgresSystemError,
    asyncpg.exceptions.InternalServerError,
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.InvalidCatalogNameError,
)


@contextmanager
def nothing_stored() -> Iterator[None]:
    """Around statements of a transaction that is not committed yet, and around reading."""
    try:
        yield
    except _REFUSED_VALUES as error:
        raise BatchRefused(type(error).__name__) from error
    except _AWAY as error:
        raise StorageUnavailable from error


@contextmanager
def perhaps_stored() -> Iterator[None]:
    """Around a commit: whatever goes wrong there, the server may have made it durable."""
    try:
        yield
    except (*_AWAY, asyncpg.exceptions.PostgresError) as error:
        raise OutcomeUnknown from error
