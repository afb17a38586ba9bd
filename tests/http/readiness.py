"""Waiting until a service is as it was."""

from __future__ import annotations

from tests.http.described_client import DescribedClient
from tests.waiting import until_found


async def until_ready(client: DescribedClient) -> None:
    """The database is back, and nothing waits in the spool any more."""

    async def is_ready() -> bool:
        return bool((await client.get("/readyz")).json["status"] == "ready")

    await until_found(is_ready)
