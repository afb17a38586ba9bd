"""The list of calls; in a module of its own, where nobody else starts any."""

from __future__ import annotations

import pytest

from tests.http import life_cycle
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import change
from tests.http.running_service import RunningService

CALLS = [f"listed-{number}" for number in range(7)]
"""In the order of their start. The last but one is COMPLETED, the one before it ARCHIVED."""


@pytest.fixture
async def listed(service: RunningService, client: DescribedClient) -> None:
    if (await client.get("/v1/calls")).json["calls"]:
        return
    for call_id in CALLS:
        await client.init(call_id)
    for call_id in CALLS[4:6]:
        await client.complete(call_id)
    change(service, CALLS[4], life_cycle.archive)


pytestmark = pytest.mark.usefixtures("listed")


async def test_newest_first(client: DescribedClient) -> None:
    answer = (await client.get("/v1/calls")).json
    assert [call["call_id"] for call in answer["calls"]] == CALLS[::-1]
    assert answer["next"] is None


async def test_a_listed_call_has_the_fields_of_the_call_itself(client: DescribedClient) -> None:
    (listed,) = (await client.get("/v1/calls?state=ARCHIVED")).json["calls"]
    call = await client.call(CALLS[4])
    assert listed == {name: call[name] for name in listed}
    assert call.keys() - listed.keys() == {"history", "segments", "transcript_reason"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("IN_PROGRESS", [CALLS[6], *CALLS[3::-1]]),
        ("COMPLETED", [CALLS[5]]),
        ("PROCESSING_AI", []),
        ("ARCHIVED", [CALLS[4]]),
        ("FAILED", []),
    ],
)
async def test_by_state(client: DescribedClient, state: str, expected: list[str]) -> None:
    answer = (await client.get(f"/v1/calls?state={state}")).json
    assert [call["call_id"] for call in answer["calls"]] == expected


@pytest.mark.parametrize(("query", "expected"), [("", CALLS[::-1]), ("&state=IN_PROGRESS", None)])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_pages_leave_no_gap_and_repeat_nothing(
    client: DescribedClient, query: str, expected: list[str] | None, limit: int
) -> None:
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        page = (await client.get(f"/v1/calls?limit={limit}{query}{following}")).json
        assert 1 <= len(page["calls"]) <= limit
        seen += [call["call_id"] for call in page["calls"]]
        following = f"&after={page['next']}" if page["next"] else None
    assert seen == (expected or [CALLS[6], *CALLS[3::-1]])
