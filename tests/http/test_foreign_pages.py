"""No page of another site gets a WebSocket, and the page itself and a PBX do."""

from __future__ import annotations

import aiohttp
import pytest

from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient
from tests.http.running_service import RunningService

both_sockets = pytest.mark.parametrize("path", ["/v1/events/ws", "/v1/call/stream/c-1/ws"])


@both_sockets
async def test_a_page_of_another_site_is_refused(client: DescribedClient, path: str) -> None:
    answer = await client.get(path, headers={"Origin": "https://evil.example"})
    assert_problem(answer, 403)
    assert answer.json["type"] == "urn:trunkline:problem:foreign-origin"
    for named in ("Origin", "https://evil.example", "Host", "X-Forwarded-Host"):
        assert named in answer.json["detail"]


@both_sockets
@pytest.mark.parametrize("of_a_browser", [True, False])
async def test_its_own_page_and_who_is_no_browser_get_one(
    service: RunningService, path: str, of_a_browser: bool
) -> None:
    headers = {"Origin": service.url} if of_a_browser else {}
    async with (
        aiohttp.ClientSession(service.url, headers=headers) as session,
        session.ws_connect(path) as socket,
    ):
        assert await socket.receive_json(timeout=10)


@both_sockets
async def test_it_is_refused_a_handshake_too(service: RunningService, path: str) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(path, origin="http://127.0.0.1:1")
    assert refused.value.status == 403
