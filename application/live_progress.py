"""What two looks at the calls that go on tell: how far they are, and which packets do not come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from application.feed_events import CallProgressed, GapStood, StreamProgress
from application.feed_ports import LiveCall
from application.turns import in_turns
from domain.audio_stream import AudioStream, Gaps
from domain.media_format import MediaFormat


@attrs.define
class _Seen:
    """Of one stream at the look before: what had come, which gaps there were, which of them were told."""

    received: int
    duplicates: int
    missing: Gaps
    told: Gaps = ()

    @property
    def counts(self) -> tuple[int, int]:
        return self.received, self.duplicates


@attrs.define(eq=False)
class LiveProgress:
    """Remembers the look before, of streams that were heard of lately; so it is as large as what goes on."""

    _seen: dict[tuple[str, str], _Seen] = attrs.field(factory=dict, init=False)

    async def look(self, calls: Iterable[LiveCall], at: datetime) -> list[CallProgressed | GapStood]:
        """What is to be told now. At the first look, and of calls that are new, only how far they are."""
        told: list[CallProgressed | GapStood] = []
        seen: dict[tuple[str, str], _Seen] = {}
        async for call in in_turns(calls):
            streams = [_progress(stream, call.media) for stream in call.streams]
            gaps = []
            has_moved = False
            for progress in streams:
                key = call.call_id, progress.stream
                before = self._seen.get(key)
                seen[key] = now = _Seen(progress.received, progress.duplicates, progress.missing)
                has_moved |= before is None or now.counts != before.counts
                if before is not None and (stood := _stood(before, now)):
                    gaps.append(GapStood(at, call.call_id, progress.stream, stood))
            if has_moved:
                told.append(_call_progress(call, streams, at))
            told += gaps
        self._seen = seen
        return told


def _progress(stream: AudioStream, media: MediaFormat) -> StreamProgress:
    return StreamProgress(
        stream.stream,
        len(stream.received),
        stream.duplicates,
        stream.next_expected,
        stream.missing(),
        media.seconds(stream.received_bytes) if media.is_audio else None,
    )


def _call_progress(call: LiveCall, streams: Sequence[StreamProgress], at: datetime) -> CallProgressed:
    lengths = [stream.duration_seconds or 0.0 for stream in streams]
    seconds = max(lengths, default=0.0) if call.media.is_audio else None
    return CallProgressed(at, call.call_id, sum(stream.received for stream in streams), seconds, streams)


def _stood(before: _Seen, now: _Seen) -> Gaps:
    """All the gaps that were there before and still are, if one of them is news."""
    stood = tuple(gap for gap in now.missing if _within(gap, before.missing))
    now.told = tuple(gap for gap in stood if _within(gap, before.told))
    if len(now.told) == len(stood):
        return ()
    now.told = stood
    return stood


def _within(gap: tuple[int, int], gaps: Gaps) -> bool:
    return any(first <= gap[0] and gap[1] <= last for first, last in gaps)
