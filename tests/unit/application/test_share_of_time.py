"""What takes long is done seldom."""

from __future__ import annotations

import asyncio

import pytest

from application.share_of_time import ShareOfTime

pytestmark = pytest.mark.usefixtures("loop_time")


async def test_it_rests_in_proportion_to_what_it_took_also_where_that_failed() -> None:
    time = ShareOfTime(0.25)
    assert _is_time(time)
    with pytest.raises(TimeoutError):
        await _take(time, 2)
    assert not _is_time(time)
    await asyncio.sleep(7.9)
    assert not _is_time(time)
    await asyncio.sleep(0.2)
    assert _is_time(time)


def _is_time(time: ShareOfTime) -> bool:
    return time.allows


async def _take(time: ShareOfTime, seconds: float) -> None:
    with time.spent():
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


async def test_it_rests_for_a_while_though_it_took_no_time() -> None:
    time = ShareOfTime(0.25, 2)
    with time.spent():
        pass
    assert not _is_time(time)
    await asyncio.sleep(1.9)
    assert not _is_time(time)
    await asyncio.sleep(0.2)
    assert _is_time(time)
