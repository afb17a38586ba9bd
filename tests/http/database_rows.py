"""How many rows the database holds, and making sure that a refused request left none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.http.running_service import RunningService

TABLES = ("calls", "streams", "packets", "call_events", "pgqueuer")

COUNTS = " UNION ALL ".join(
    f"SELECT '{table}' AS name, count(*) AS rows FROM {table}"  # noqa: S608 # from the tuple
    for table in TABLES
)


def row_counts(service: RunningService) -> dict[str, int]:
    rows = service.run(service.container.pool().fetch(COUNTS))
    return {row["name"]: row["rows"] for row in rows}


@contextmanager
def nothing_left(service: RunningService) -> Iterator[None]:
    """Fails where what is done meanwhile leaves a row."""
    before = row_counts(service)
    yield
    assert row_counts(service) == before
