"""What the feed of changes needs from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from domain.audio_stream import AudioStream
from domain.call import Call
from domain.call_state import CallState
from domain.events import RecordedEvent
from domain.media_format import MediaFormat


@attrs.frozen
class Change:
    """An event of a call's history. ``place`` is where a reader stands who was told everything up to it.

    ``state_before`` is None for the call's first.
    """

    place: str
    call_id: str
    recorded: RecordedEvent
    state_before: CallState | None


@attrs.frozen
class Moment:
    """What the storage held at one moment, and all of it at the same.

    ``changes`` is None where they cannot be told: there are too many, or the place is of another storage.
    ``live`` has the newest of the calls that go on, and is None where none were asked for.
    """

    place: str
    at: datetime
    changes: Sequence[Change] | None
    live: Sequence[Call] | None


@attrs.frozen
class CountedCalls:
    """How many calls were in each state at a place; every state is named."""

    place: str
    by_state: Mapping[CallState, int]


class CallChanges(Protocol):
    """The history of all calls as one feed.

    A place in it is text that only the storage can read. It stands for a set of events, all those that were
    told up to it, and means the same to every process. Every method may raise StorageUnavailable.
    """

    async def moment(self, after: str | None, most_changes: int, most_live: int) -> Moment:
        """The changes since the place ``after``, each call's in the order of its versions.

        Without ``after`` there are none. Live calls are asked for by a ``most_live`` that is not 0.
        """
        ...

    async def between(self, after: str, until: str, most_changes: int) -> Sequence[Change] | None:
        """What a reader who stands at ``after`` was not told of what there was at ``until``, a later place.

        None where that cannot be known, or is more than ``most_changes``.
        """
        ...

    async def count(self) -> CountedCalls:
        """However many calls there are: it may take minutes. The place is that of a moment."""
        ...

    async def count_on(self, counted: CountedCalls, until: str, most_changes: int) -> CountedCalls | None:
        """The same at ``until``, a later moment's place, by what changed since.

        None where that cannot be known, or more than ``most_changes`` did.
        """
        ...


@attrs.frozen
class LiveCall:
    """What has come of a call that goes on."""

    call_id: str
    media: MediaFormat
    streams: Sequence[AudioStream]


class LiveCalls(Protocol):
    async def receiving(self, heard_within_seconds: float, most: int) -> Sequence[LiveCall]:
        """The newest calls IN_PROGRESS, of those of which a packet came so lately, with all their streams.

        Raises StorageUnavailable.
        """
        ...


@attrs.frozen
class AiBacklog:
    """Calls that wait for the AI, and that it works on. ``oldest_seconds`` is how long one is overdue."""

    waiting: int
    processing: int
    oldest_seconds: float | None


class AiBacklogReader(Protocol):
    async def ai_backlog(self) -> AiBacklog:
        """Raises StorageUnavailable."""
        ...


@attrs.frozen
class Figures:
    """What the processes of this machine have counted so far.

    ``acks`` has, for ascending bounds in seconds, how many acknowledgements took that long at most.
    """

    packets: int
    acks: Sequence[tuple[float, int]]
    ai_attempts: int
    ai_failures: int


class FiguresReader(Protocol):
    def figures(self) -> Figures: ...
