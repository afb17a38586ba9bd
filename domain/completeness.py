"""What is missing of a call's streams, as far as one knows where they end."""

from __future__ import annotations

from collections.abc import Mapping

from domain.audio_stream import AudioStream, Gaps


def is_whole(streams: Mapping[str, AudioStream], final_sequences: Mapping[str, int]) -> bool:
    """Whether every stream has said where it ends, and all up to there has come."""
    return (
        bool(final_sequences)
        and final_sequences.keys() >= streams.keys()
        and all(_named(name, streams).is_whole_through(final) for name, final in final_sequences.items())
    )


def missing(streams: Mapping[str, AudioStream], final_sequences: Mapping[str, int]) -> dict[str, Gaps]:
    """The first gaps of each stream in which packets are missing."""
    gaps = {
        name: _named(name, streams).missing(final_sequences.get(name))
        for name in sorted(streams.keys() | final_sequences.keys())
    }
    return {name: missing for name, missing in gaps.items() if missing}


def _named(name: str, streams: Mapping[str, AudioStream]) -> AudioStream:
    return streams.get(name) or AudioStream(name)
