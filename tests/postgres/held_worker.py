"""A worker whose AI answers when a line comes in: ``python -m tests.postgres.held_worker URL``.

It writes ``asked`` when the AI is, and ``ended`` when the run has.
"""

from __future__ import annotations

import asyncio
import sys

from adapters.jobs.job_runner import POOL_SIZE
from adapters.postgres.pool import open_pool
from domain.analysis import Analysis, Sentiment, SentimentLabel, Transcript
from tests.fakes.ai import FakeAnalyst
from tests.postgres.processing import process_calls, runner_of

LATE = Analysis("what the frozen worker found", Sentiment(SentimentLabel.NEGATIVE, -1.0))


class HeldAnalyst(FakeAnalyst):
    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        say("asked")
        await asyncio.to_thread(sys.stdin.readline)
        return LATE


def say(what: str) -> None:
    print(what, flush=True)  # noqa: T201 # the test reads it


async def main(database_url: str) -> None:
    pool = await open_pool(database_url, largest=2)
    process_call = process_calls(pool, HeldAnalyst())

    async def work(call_id: str) -> float | None:
        come_back_after = await process_call(call_id)
        say("ended")
        return come_back_after

    await runner_of(await open_pool(database_url, largest=POOL_SIZE), work).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
