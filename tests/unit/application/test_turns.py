"""Work with many things keeps nobody from having their turn."""

from __future__ import annotations

import asyncio

import pytest

from application.turns import THINGS_PER_TURN, in_turns


@pytest.mark.parametrize(("things", "turns"), [(THINGS_PER_TURN - 1, 0), (4 * THINGS_PER_TURN, 4)])
async def test_others_have_a_turn_after_so_many_things(things: int, turns: int) -> None:
    had = 0

    async def other() -> None:
        nonlocal had
        while True:
            had += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    done = [thing async for thing in in_turns(range(things))]
    assert done == list(range(things))
    assert had == turns
    waiting.cancel()
