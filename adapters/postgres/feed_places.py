"""Places in the feed of changes.

A place is a snapshot in PostgreSQL's sense: which transactions were over at a moment. So what one has been
told is a set that no later commit changes, be it of a transaction that began long ago. Changes are told in
batches: of what is visible in one snapshot and was not in the one before. Within a batch a place names both
snapshots, and the change that was told last::

    STORAGE/SNAPSHOT
    STORAGE/SNAPSHOT/SNAPSHOT/VERSION/CALL_ID

``STORAGE`` is another for every database, after a restore and after a crash: then transactions are numbered
anew.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import attrs

from adapters.postgres.lanes import lane_of
from domain.call import CALL_ID

LONGEST_PLACE_CHARACTERS: Final = 8_000
"""A header that is longer never arrives. It holds several hundred transactions under way."""

_SNAPSHOT: Final = re.compile(r"(\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,\d{1,18})*)?)", re.ASCII)
_VERSION: Final = re.compile(r"\d{1,9}", re.ASCII)


class NoPlace(Exception):
    """The text is no place."""


@attrs.frozen
class Snapshot:
    """``end`` and every later transaction was not begun; of those before, all but ``running`` were over."""

    text: str
    end: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """From PostgreSQL's own text form, ``xmin:xmax:xip,xip``. Raises NoPlace for what it would refuse."""
        found = _SNAPSHOT.fullmatch(text)
        if found is None:
            raise NoPlace
        first, end = int(found[1]), int(found[2])
        running = [int(number) for number in found[3].split(",") if number]
        if not 1 <= first <= end or any(a >= b for a, b in pairwise([first - 1, *running, end])):
            raise NoPlace
        return cls(text, end, frozenset(running))


ChangeKey = tuple[int, str, int]
"""Lane, call and version: the order within a batch."""


@attrs.frozen
class Place:
    """Everything in ``told`` was told; and where there is a ``batch``, of what it adds all up to ``last``."""

    storage: str
    told: Snapshot
    batch: Snapshot | None = None
    last: ChangeKey | None = None

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises NoPlace."""
        if len(text) > LONGEST_PLACE_CHARACTERS:
            raise NoPlace
        parts = text.split("/")
        if len(parts) == 2:
            return cls(parts[0], Snapshot.parse(parts[1]))
        if len(parts) != 5 or not _VERSION.fullmatch(parts[3]) or not CALL_ID.fullmatch(parts[4]):
            raise NoPlace
        last = lane_of(parts[4]), parts[4], int(parts[3])
        return cls(parts[0], Snapshot.parse(parts[1]), Snapshot.parse(parts[2]), last)

    def __str__(self) -> str:
        if self.batch is None or self.last is None:
            return f"{self.storage}/{self.told.text}"
        _, call_id, version = self.last
        return f"{self.storage}/{self.told.text}/{self.batch.text}/{version}/{call_id}"

    @property
    def end(self) -> int:
        """No transaction from this number on was begun when this place was told."""
        return (self.batch or self.told).end
