"""Carries out what was spooled, in order, once the database is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

import attrs

from application.commands import Completion, Start
from application.complete_call import CompleteCall
from application.errors import BatchRefused, OthersFirst, TryAgain
from application.ports import Journal, JournalEntry, JournalSize, Refusal, Refusals
from application.receive_packets import Outcome, ReceivePackets
from application.spool import DATABASE_SECONDS, OTHERS_SECONDS, Spool
from application.start_call import StartCall
from application.stored_packets import AreStored
from domain.delivery import Delivery
from domain.errors import CallClosed, DeliveryRefused, TrunklineError

ADOPT_SECONDS: Final = 3.0
PROBE_SECONDS: Final = 1.0
FEW_ENTRIES: Final = 100
"""So many are soon done: what is new can wait for them."""


@attrs.frozen
class ReplaySpool:
    """Nothing is dropped: an entry leaves the journal when it is done, or kept as refused.

    A process that dies in between does the same entries again, which the rules take as duplicates.
    Several processes replay side by side. Their journals are one in time where that matters: what may start a
    call unannounced, and what completes one, waits until the others hold nothing older. The oldest of all
    never waits, so they never wait for each other. ``receive_known`` starts no calls.

    ``on_size`` is told what is left, now and again; ``on_refused`` how many were refused.
    """

    _journal: Journal
    _spool: Spool
    _receive: ReceivePackets
    _receive_known: ReceivePackets
    _start: StartCall
    _complete: CompleteCall
    _are_stored: AreStored
    _refusals: Refusals
    _on_size: Callable[[JournalSize], None]
    _on_refused: Callable[[int], None]
    _probe_seconds: float = PROBE_SECONDS
    _adopt_seconds: float = ADOPT_SECONDS

    async def run_for_ever(self) -> None:
        """To be run by the task runner."""
        while True:
            await self._adopt()
            if not await self._spool.wait_until_spooling(self._adopt_seconds):
                continue
            try:
                await self._catch_up()
            except OthersFirst:
                await asyncio.sleep(OTHERS_SECONDS)
            except (TryAgain, TimeoutError):
                await asyncio.sleep(self._probe_seconds)

    async def _adopt(self) -> None:
        await self._journal.adopt()
        size = self._journal.size
        if size.entries:
            self._spool.spool_again()
        self._on_size(size)

    async def _catch_up(self) -> None:
        """Returns when the journal is empty. Raises TryAgain, TimeoutError: the database is still away."""
        await self._probe()
        while self._spool.is_spooling:
            await self._replay_some()
            if self._journal.size.entries <= FEW_ENTRIES:
                async with self._spool.closing(), asyncio.timeout(DATABASE_SECONDS):
                    await self._replay_the_rest()
            self._on_size(self._journal.size)

    async def _probe(self) -> None:
        async with asyncio.timeout(DATABASE_SECONDS):
            await self._receive([])

    async def _replay_the_rest(self) -> None:
        """That of others too, whose writing to the journal was under way when this began."""
        while self._journal.size.entries:
            await self._replay_some()

    async def _replay_some(self) -> None:
        """However far it comes, what is done is removed: others may be waiting for that."""
        entries = await self._journal.oldest()
        done: list[JournalEntry] = []
        try:
            for _, alike in groupby(entries, lambda entry: isinstance(entry.command, Delivery)):
                await self._replay(list(alike), done)
        finally:
            if done:
                await self._journal.remove(done)

    async def _replay(self, entries: Sequence[JournalEntry], done: list[JournalEntry]) -> None:
        carry_out = self._deliver if isinstance(entries[0].command, Delivery) else self._one_by_one
        try:
            await self._keep_refused(await carry_out(entries))
        except OthersFirst:
            if len(entries) == 1:
                raise
            for entry in entries:  # up to the one that has to wait
                await self._replay([entry], done)
        else:
            done += entries

    async def _deliver(self, entries: Sequence[JournalEntry]) -> list[Refusal]:
        """In one transaction, but where the database itself refuses a value: it is looked for then."""
        batch = [entry.command for entry in entries if isinstance(entry.command, Delivery)]
        others_come_first = self._journal.others_hold(before=entries[-1].at)
        receive = self._receive_known if others_come_first else self._receive
        try:
            outcomes: list[Outcome] = await receive(batch)
        except BatchRefused as refusal:
            if len(entries) == 1:
                return [_refusal(entries[0], refusal)]
            middle = len(entries) // 2
            return await self._deliver(entries[:middle]) + await self._deliver(entries[middle:])
        return [
            _refusal(entry, outcome)
            for entry, delivery, outcome in zip(entries, batch, outcomes, strict=True)
            if isinstance(outcome, TrunklineError) and not await self._was_done_before(delivery, outcome)
        ]

    async def _was_done_before(self, delivery: Delivery, refusal: TrunklineError) -> bool:
        """By this very entry, perhaps, before a crash; and then the call moved on."""
        first = next(iter(refusal.refusals.values())) if isinstance(refusal, DeliveryRefused) else refusal
        return isinstance(first, CallClosed) and await self._are_stored(delivery)

    async def _one_by_one(self, entries: Sequence[JournalEntry]) -> list[Refusal]:
        refusals: list[Refusal] = []
        for entry in entries:
            try:
                await self._carry_out(entry)
            except TryAgain:
                raise
            except TrunklineError as refusal:
                refusals.append(_refusal(entry, refusal))
        return refusals

    async def _carry_out(self, entry: JournalEntry) -> None:
        match entry.command:
            case Start(call_id, media, metadata):
                await self._start(call_id, media, metadata)
            case Completion(call_id, final_sequences):
                if self._journal.others_hold(before=entry.at):
                    raise OthersFirst
                await self._complete(call_id, final_sequences)

    async def _keep_refused(self, refusals: Sequence[Refusal]) -> None:
        if refusals:
            await self._refusals.keep(refusals)
            self._on_refused(len(refusals))


def _refusal(entry: JournalEntry, error: TrunklineError) -> Refusal:
    return Refusal(entry, type(error).__name__, error.detail)
