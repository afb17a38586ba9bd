"""Ingestion that goes on while the database is away: the same use cases, or the spool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from application.commands import Completion, Start
from application.complete_call import CompleteCall
from application.errors import OthersFirst
from application.ports import Journal
from application.receive_packets import Outcome, ReceivePackets
from application.spool import SPOOLED, Spool, Spooled
from application.start_call import StartCall
from domain.call import Call
from domain.delivery import Delivery
from domain.media_format import MediaFormat

_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


@attrs.frozen
class ReceiveOrSpool:
    """Packets of many calls: one transaction, or one write to the journal."""

    _receive: ReceivePackets
    _spool: Spool

    async def __call__(self, batch: Sequence[Delivery]) -> Sequence[Outcome | Spooled]:
        """Raises BatchRefused, Overloaded, SpoolUnavailable: then for the whole batch."""
        outcomes = await self._spool.carry_out(lambda: self._receive(batch), lambda: batch)
        return [SPOOLED] * len(batch) if isinstance(outcomes, Spooled) else outcomes


@attrs.frozen
class StartOrSpool:
    _start: StartCall
    _spool: Spool

    async def __call__(
        self, call_id: str, media: MediaFormat | None, metadata: Mapping[str, str] | None
    ) -> tuple[Call, bool] | Spooled:
        """The call, and whether it is new. Raises InvalidValue, CallDiffers, Overloaded, SpoolUnavailable."""

        def to_spool() -> list[Start]:
            Call.start(call_id, _ANY_TIME, media, metadata)  # what is wrong in itself is never spooled
            return [Start(call_id, media, metadata)]

        return await self._spool.carry_out(lambda: self._start(call_id, media, metadata), to_spool)


@attrs.frozen
class CompleteOrSpool:
    _complete: CompleteCall
    _spool: Spool
    _journal: Journal

    async def __call__(self, call_id: str, final_sequences: Mapping[str, int]) -> Call | Spooled:
        """The call as it now is. Raises UnknownCall, InvalidValue, SpoolUnavailable."""

        def to_spool() -> list[Completion]:
            Call.start(call_id, _ANY_TIME).complete(final_sequences, 0, _ANY_TIME)
            return [Completion(call_id, final_sequences)]

        async def complete() -> Call:
            if self._journal.others_hold():  # packets of the call, perhaps
                raise OthersFirst
            return await self._complete(call_id, final_sequences)

        return await self._spool.carry_out(complete, to_spool)
