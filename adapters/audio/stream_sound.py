"""The sound of one stream, read page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import attrs

from adapters.audio.pcm import SAMPLE_BYTES, decoded, silence
from adapters.audio.timeline import Timeline
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
        runs = await reader.packet_runs(call_id, stream)
        timeline = await asyncio.to_thread(Timeline.of, runs, media)
        return cls(reader, call_id, stream, media, first[0].timestamp, timeline)

    @property
    def frames(self) -> int:
        return self.timeline.frames

    async def pcm(
        self, packets_a_page: int, first_frame: int = 0, after_frame: int | None = None
    ) -> AsyncIterator[bytes]:
        """The samples of these frames, or of all, channels interleaved, in blocks of about a second.

        Reads only the packets that play in them, and lets other tasks run after each block. A packet that
        is gone is silence. Raises StorageUnavailable.
        """
        after = self.frames if after_frame is None else min(after_frame, self.frames)
        block_bytes = self._rate * self._frame_bytes
        block = bytearray()
        async for piece in self._pieces(first_frame, after, packets_a_page):
            block += piece
            if len(block) >= block_bytes:
                yield bytes(block)
                block.clear()
                await asyncio.sleep(0)
        if block:
            yield bytes(block)

    async def _pieces(self, first: int, after: int, packets_a_page: int) -> AsyncIterator[bytes]:
        at, frame_bytes = first, self._frame_bytes
        async for start, packet in self._packets(first, after, packets_a_page):
            for piece in self._silence(min(start, after) - at):
                yield piece
            pcm = self._decoded(packet)
            end = start + len(pcm) // frame_bytes
            if start < first or end > after:
                pcm = pcm[max(0, first - start) * frame_bytes : max(0, after - start) * frame_bytes]
            yield pcm
            at = max(at, min(end, after))
        for piece in self._silence(after - at):
            yield piece

    def _silence(self, frames: int) -> Iterator[bytes]:
        while frames > 0:
            yield silence(min(frames, self._rate), self._channels)
            frames -= self._rate

    def _decoded(self, packet: Packet) -> bytes:
        whole = len(packet.data) - len(packet.data) % self.media.bytes_per_frame
        return decoded(packet.data[:whole], self.media.encoding)

    async def _packets(
        self, first: int, after: int, packets_a_page: int
    ) -> AsyncIterator[tuple[int, Packet]]:
        """Each with the frame at which it begins."""
        sequence, left = self.timeline.packets_of(first, after)
        position = PacketPosition(self.stream, sequence - 1)
        while left > 0:
            page = await self.reader.packets(self.call_id, self.stream, position, min(packets_a_page, left))
            if not page:
                return
            for packet in page:
                start = self.timeline.start_of(packet.sequence)
                if start is not None:
                    left -= 1
                    yield start, packet
            position = PacketPosition(self.stream, page[-1].sequence)

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
