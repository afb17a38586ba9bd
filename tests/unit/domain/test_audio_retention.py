from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.audio_retention import AudioRetention


@given(
    days=st.integers(1, 4_000),
    started_at=st.datetimes(timezones=st.just(UTC)),
    later=st.timedeltas(timedelta(0), timedelta(days=5_000)),
)
def test_no_call_is_let_go_before_its_days_are_over_and_each_is_a_day_after(
    days: int, started_at: datetime, later: timedelta
) -> None:
    assume(started_at.year < 9_000)
    now = started_at + later
    is_over = AudioRetention(days).is_over(started_at.date(), now.date())
    if later < timedelta(days=days):
        assert not is_over
    if later >= timedelta(days=days + 1):
        assert is_over


def test_the_day_is_let_go_when_the_last_call_of_it_may_go() -> None:
    last_call = datetime.combine(date(2026, 3, 1), time.max, UTC)
    assert not AudioRetention(1).is_over(last_call.date(), date(2026, 3, 2))
    assert AudioRetention(1).is_over(last_call.date(), date(2026, 3, 3))
