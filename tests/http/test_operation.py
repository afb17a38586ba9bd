"""What monitors call."""

from __future__ import annotations

import math

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.http import life_cycle
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import change
from tests.http.running_service import RunningService


async def test_livez(client: DescribedClient) -> None:
    answer = await client.get("/livez")
    assert (answer.status, answer.json) == (200, {"status": "alive", "checks": {}})


async def test_readyz_names_each_dependency(client: DescribedClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status == 200
    assert answer.json["status"] == "ready"
    checks = answer.json["checks"]
    assert checks.keys() == {"database", "schema", "ai", "tasks", "spool"}
    assert (checks["database"], checks["schema"], checks["tasks"]) == ("ok", "ok", "ok")
    assert "TRUNKLINE_AI_BASE_URL" in checks["ai"]


async def test_readyz_tells_what_backs_off_and_stays_ready(
    service: RunningService, client: DescribedClient
) -> None:
    async def broken() -> None:
        raise OSError("the network is down")

    async def keep_running_what_is_broken() -> None:
        service.container.tasks().keep_running("mend", broken)

    service.run(keep_running_what_is_broken())
    answer = await client.get("/readyz")
    assert answer.status == 200
    assert answer.json["checks"]["tasks"] == "mend backs off after OSError"


async def test_an_old_schema_is_not_ready(service: RunningService, client: DescribedClient) -> None:
    pool = service.container.pool()
    service.run(pool.execute("ALTER TABLE _pogo_migration RENAME TO elsewhere"))
    try:
        answer = await client.get("/readyz")
    finally:
        service.run(pool.execute("ALTER TABLE elsewhere RENAME TO _pogo_migration"))
    assert answer.status == 503
    assert answer.json["checks"]["schema"].startswith("lacks 0001_calls, 0002_jobs, 0003_packet_days, ")
    assert (await client.get("/readyz")).status == 200


async def families(client: DescribedClient) -> dict[str, Metric]:
    answer = await client.get("/metrics")
    assert answer.status == 200
    return {family.name: family for family in text_string_to_metric_families(answer.body.decode())}


def sample(family: Metric, name: str, **labels: str) -> float:
    (value,) = (
        found.value
        for found in family.samples
        if found.name == name and labels.items() <= found.labels.items()
    )
    return value


async def test_the_promised_families(client: DescribedClient) -> None:
    assert (await families(client)).keys() == {
        "trunkline_http_requests",
        "trunkline_ack_seconds",
        "trunkline_batch_packets",
        "trunkline_ai_attempts",
        "trunkline_ai_attempt_seconds",
        "trunkline_spool_entries",
        "trunkline_spool_bytes",
        "trunkline_spool_oldest_seconds",
        "trunkline_spool_refused",
        "trunkline_calls",
        "trunkline_calls_set_aside",
        "trunkline_jobs",
        "trunkline_oldest_job_seconds",
    }


async def test_acknowledged_packets_are_counted_and_timed(client: DescribedClient, call_id: str) -> None:
    def acknowledged(found: dict[str, Metric]) -> tuple[float, float]:
        by_route = found["trunkline_http_requests"].samples
        answered = sum(
            counted.value
            for counted in by_route
            if counted.labels["route"] == "/v1/call/stream/{call_id}" and counted.labels["status"] == "202"
        )
        return answered, sample(found["trunkline_ack_seconds"], "trunkline_ack_seconds_count")

    before = acknowledged(await families(client))
    await client.packet(call_id, 1)
    await client.packet(call_id, 1)
    await client.packet(call_id, "1")
    after = acknowledged(await families(client))
    assert after == (before[0] + 2, before[1] + 2)


async def test_no_label_is_of_the_clients_making(client: DescribedClient, call_id: str) -> None:
    await client.get(f"/v1/{call_id}")
    await client.request("PROPFIND", f"/v1/calls/{call_id}")
    await client.packet(call_id, 1)
    shown = (await client.get("/metrics")).body.decode()
    assert call_id not in shown
    assert "PROPFIND" not in shown
    assert 'route="unmatched"' in shown


async def test_what_waits_is_counted_by_state(service: RunningService, client: DescribedClient) -> None:
    for number in range(3):
        await client.init(f"counted-{number}")
        await client.complete(f"counted-{number}")
    change(service, "counted-0", life_cycle.archive)
    service.container.health()._read_again_at = 0.0
    found = await families(client)
    calls = found["trunkline_calls"]
    assert sample(calls, "trunkline_calls", state="COMPLETED") == 2
    assert sample(calls, "trunkline_calls", state="ARCHIVED") == 1
    assert sample(calls, "trunkline_calls", state="FAILED") == 0
    jobs = found["trunkline_jobs"]
    waiting = sum(sample(jobs, "trunkline_jobs", status=status) for status in ("due", "scheduled"))
    assert waiting == 3
    assert math.isfinite(sample(found["trunkline_oldest_job_seconds"], "trunkline_oldest_job_seconds"))
