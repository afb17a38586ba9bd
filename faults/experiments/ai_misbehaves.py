"""The AI service hangs, asks for patience, talks rubbish, breaks off, floods and fails, and then mends."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import aiohttp

from faults.expected import Expected
from faults.experiments.experiment import Experiment, Extent
from faults.misbehaving_ai import ANY, MISBEHAVIOURS, NONE
from faults.stage import Stage
from faults.violation import Violation

SHORT_SECONDS: Final = 12.0
BEFORE_SECONDS: Final = 2.0
"""The service has taken what it needs anyway."""
MOST_GROWTH_BYTES: Final = 64 * 1024 * 1024
ANSWERS_WITHIN_SECONDS: Final = 2.0


async def misbehave_in_turn(stage: Stage, dice: random.Random, seconds: float) -> None:
    await asyncio.sleep(BEFORE_SECONDS)
    before = stage.service.peak_memory_bytes
    for _ in stage.rounds(0):
        ways = [*dice.sample(list(MISBEHAVIOURS), len(MISBEHAVIOURS)), ANY]
        for way in ways:
            await _tell(stage, way)
            await asyncio.sleep(seconds / len(ways))
        await _tell(stage, NONE)
    grew = stage.service.peak_memory_bytes - before
    told = f"the service's memory peaked {grew / 2**20:.0f} MiB above the {before / 2**20:.0f} MiB before"
    stage.remarks.append(told)
    if grew > MOST_GROWTH_BYTES:
        stage.violations.append(Violation("memory_grew", told))


async def _tell(stage: Stage, way: str) -> None:
    stage.history.fault(f"the AI service's misbehaviour: {way}")
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.put(f"{stage.ai.url}/misbehaviour", data=way)


AI_MISBEHAVES = Experiment(
    name="ai-misbehaves",
    expectation="While the AI service hangs, answers 429, rubbish, half, 10 MB or 5xx, writes are answered "
    "as ever and the service's memory stays bounded; afterwards every completed call is archived, or FAILED "
    "for want of the AI.",
    short=Extent(SHORT_SECONDS),
    expected=Expected(
        answers_within_seconds=ANSWERS_WITHIN_SECONDS, may_fail_for=frozenset({"ai_unavailable"})
    ),
    ai_program="faults.misbehaving_ai",
    settings={
        "TRUNKLINE_AI_TIMEOUT_SECONDS": "1.5",
        "TRUNKLINE_AI_RUN_DELAYS_SECONDS": "1,1,2,3,5,5,5,5,5,5",
    },
    disturb=misbehave_in_turn,
    takes_every_write=True,
)
