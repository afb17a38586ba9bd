"""Hears words, as a process of its own: PocketSphinx holds the interpreter's lock for as long as it decodes,
so in a thread it would stop the server's clock.

Standard input: any number of a 4-byte big-endian length and that much 16-bit mono PCM at 16 kHz. Standard
output, for each: a 4-byte length and that much JSON, an array of phrases, each an array of
``{"word", "start", "end", "probability"}`` with times in seconds. It ends when its input does.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

import pocketsphinx  # type: ignore[import-untyped]  # it has no type marker

FRAMES_PER_SECOND: Final = 100
PAUSE_FRAMES: Final = 50
"""A silence of this length ends a phrase."""

NICENESS: Final = 5
"""What is being tested next to it should get the processor first."""


def main() -> None:
    os.nice(NICENESS)
    decoder = pocketsphinx.Decoder(samprate=16_000, loglevel="FATAL")
    untaught = decoder.get_cmn(False)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(4):
        pcm = source.read(int.from_bytes(header, "big"))
        # It forgets the voice of the audio before, so that the same audio always gives the same words.
        decoder.set_cmn(untaught)
        answer = json.dumps(list(phrases(decoder, pcm))).encode()
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()


def phrases(decoder: Any, pcm: bytes) -> Iterator[list[dict[str, Any]]]:
    for stretch in pocketsphinx.Segmenter(sample_rate=16_000).segment(io.BytesIO(pcm)):
        decoder.start_utt()
        decoder.process_raw(stretch.pcm, full_utt=True)
        decoder.end_utt()
        yield from split_at_pauses(decoder.seg() or (), stretch.start_time)


def split_at_pauses(tokens: Any, start_seconds: float) -> Iterator[list[dict[str, Any]]]:
    phrase: list[dict[str, Any]] = []
    last_end_frame = 0
    for token in tokens:
        if token.word[0] in "<[+":  # <s>, <sil>, [NOISE], ++breath++
            continue
        if phrase and token.start_frame - last_end_frame > PAUSE_FRAMES:
            yield phrase
            phrase = []
        last_end_frame = token.end_frame
        phrase.append(
            {
                "word": token.word.partition("(")[0],  # "to(3)" is the third way to say "to"
                "start": round(start_seconds + token.start_frame / FRAMES_PER_SECOND, 2),
                "end": round(start_seconds + (token.end_frame + 1) / FRAMES_PER_SECOND, 2),
                "probability": token.prob,
            }
        )
    if phrase:
        yield phrase


if __name__ == "__main__":
    main()
