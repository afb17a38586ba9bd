"""Trouble outside the domain, in the domain's own tree of errors.

::

    TrunklineError
    ├── TryAgain                     nothing is known to be wrong with the request
    │   ├── Overloaded
    │   ├── Draining
    │   ├── StorageUnavailable
    │   ├── OutcomeUnknown
    │   ├── SpoolUnavailable
    │   └── OthersFirst              around the spool only: it waits, or spools
    ├── UnknownBatch
    ├── CallStartedElsewhere         inside one use case only: it begins anew
    ├── RoomMade                     inside one use case only: it begins anew
    ├── BatchRefused                 inside the group commit only: it looks for the culprit
    └── AIError
        ├── AIUnavailable
        └── AIRefused
"""

from __future__ import annotations

from domain.errors import TrunklineError


class TryAgain(TrunklineError):
    """The same request may be sent again; whatever happened, it counts once."""


class Overloaded(TryAgain):
    """Too many requests wait for the database already."""


class Draining(TryAgain):
    """This process is shutting down."""


class StorageUnavailable(TryAgain):
    """The database does not answer; nothing was stored."""


class OutcomeUnknown(TryAgain):
    """The database did not say whether it stored this."""


class SpoolUnavailable(TryAgain):
    """The database does not answer, and the spool cannot take more."""


class OthersFirst(TryAgain):
    """Another process's spool may hold what comes before this."""


class UnknownBatch(TrunklineError):
    """No such batch of calls to reprocess."""


class CallStartedElsewhere(TrunklineError):
    """Another process started the same call at the same moment; nothing was stored."""


class RoomMade(TrunklineError):
    """There was no room yet for packets of such a day, and now there is; nothing was stored."""


class BatchRefused(TrunklineError):
    """The database refused a value; nothing of the batch was stored."""


class AIError(TrunklineError):
    """An AI service did not do what it was asked."""


class AIUnavailable(AIError):
    """It failed in a way that may pass.

    ``retry_after_seconds`` is how long it asked to be left alone, where it said so.
    """

    def __init__(self, detail: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class AIRefused(AIError):
    """It said that this request can never succeed."""
