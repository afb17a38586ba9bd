"""The sound of one stream, read page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import attrs

from adapters.audio.pcm import SAMPLE_BYTES, decoded, silence
from adapters.audio.timeline import GapFiller, Timeline
from application.ports import CallReader, PacketPosition
from domain.media_format import MediaFormat
from domain.packet import Packet


@attrs.frozen
class StreamSound:
    """One stream of an audio call, as its packets stood when it was opened: later ones do not play."""

    reader: CallReader
    call_id: str
    stream: str
    media: MediaFormat
    first_timestamp: float
    timeline: Timeline

    @classmethod
    async def open(
        cls, reader: CallReader, call_id: str, stream: str, media: MediaFormat
    ) -> StreamSound | None:
        """None for a stream without packets. Raises StorageUnavailable."""
        first = await reader.packets(call_id, stream, None, 1)
        if not first:
            return None
        sizes = await reader.packet_sizes(call_id, stream)
        timeline = await asyncio.to_thread(Timeline.of, sizes, media)
        return cls(reader, call_id, stream, media, first[0].timestamp, timeline)

    @property
    def frames(self) -> int:
        return self.timeline.frames

    async def pcm(self, packets_a_page: int) -> AsyncIterator[bytes]:
        """The samples, channels interleaved, in blocks of about a second; :attr:`frames` frames in all.

        Lets other tasks run after each block. Raises StorageUnavailable.
        """
        left = self.frames * self._frame_bytes
        block_bytes = self._rate * self._frame_bytes
        block = bytearray()
        async for piece in self._pieces(packets_a_page):
            block += piece[:left]
            left -= min(left, len(piece))
            if len(block) >= block_bytes:
                yield bytes(block)
                block.clear()
                await asyncio.sleep(0)
        if block:
            yield bytes(block)

    async def _pieces(self, packets_a_page: int) -> AsyncIterator[bytes]:
        filler = GapFiller.of(self.media)
        async for packet in self._packets(packets_a_page):
            whole = len(packet.data) - len(packet.data) % self.media.bytes_per_frame
            missing = filler.frames_before(packet.sequence, whole // self.media.bytes_per_frame)
            while missing > 0:
                frames = min(missing, self._rate)
                yield silence(frames, self._channels)
                missing -= frames
            yield decoded(packet.data[:whole], self.media.encoding)

    async def _packets(self, packets_a_page: int) -> AsyncIterator[Packet]:
        highest = self.timeline.sequences.highest
        after: PacketPosition | None = None
        while highest is not None and (after is None or after.sequence < highest):
            page = await self.reader.packets(self.call_id, self.stream, after, packets_a_page)
            if not page:
                return
            for packet in page:
                if packet.sequence in self.timeline.sequences:
                    yield packet
            after = PacketPosition(self.stream, page[-1].sequence)

    @property
    def _rate(self) -> int:
        assert self.media.sample_rate_hz is not None, "text has no sound"
        return self.media.sample_rate_hz

    @property
    def _channels(self) -> int:
        assert self.media.channels is not None, "text has no sound"
        return self.media.channels

    @property
    def _frame_bytes(self) -> int:
        return self._channels * SAMPLE_BYTES
