"""The simulated PBX against a Trunkline that keeps its word, and against some that do not."""

from __future__ import annotations

import argparse
import base64
import json
import re
import socket
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from entrypoints.simulators import pbx_command
from entrypoints.simulators.json_lines import JsonLines
from entrypoints.simulators.pbx.history import History, Kind, Outcome, Subject
from entrypoints.simulators.pbx.link import CannotRead, Patience, ServiceLink
from entrypoints.simulators.pbx.tally import Tally
from tests.http.simulators.fake_trunkline import FakeTrunkline, PlantedFaults
from tests.unit.simulators.wavs import tone, wav

PACKETS = 50
FAST = ("--calls", "3", "--speed", "0", "--seed", "11")


@pytest.fixture
def one_second(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(tone(PACKETS * 0.02, 8_000)))
    return path


def options(url: str, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    pbx_command.configure(parser)
    return parser.parse_args(["--url", url, *FAST, *arguments])


async def run(trunkline: FakeTrunkline, wav_path: Path, *arguments: str) -> int:
    async with trunkline.serve() as url:
        return await pbx_command.run(options(url, "--wav", str(wav_path), *arguments))


def history(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def packets_invoked(path: Path) -> list[dict[str, Any]]:
    return [line for line in history(path) if (line["event"], line["kind"]) == ("invoke", "packet")]


async def test_calls_arrive_with_their_losses_swaps_and_copies(
    one_second: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trunkline = FakeTrunkline()
    ledger = one_second.with_name("ledger")
    arguments = ("--loss", "0.1", "--reorder", "0.2", "--duplicate", "0.3", "--ledger", str(ledger))
    assert await run(trunkline, one_second, *arguments) == 0
    assert trunkline.calls.keys() == {"sim-11-1", "sim-11-2", "sim-11-3"}
    for call_id, call in trunkline.calls.items():
        assert call.media == {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
        assert call.metadata.keys() == {"from", "to"}
        assert call.state == "COMPLETED"
        assert call.final_sequence == {"main": PACKETS}
        assert len(call.packets) == 45
        assert {len(base64.b64decode(packet["data"])) for packet in call.packets.values()} == {160}
        arrived = [sequence for arrived_at, sequence in trunkline.arrivals if arrived_at == call_id]
        assert len(arrived) == 45 + 15
        sent = [line["sequence"] for line in packets_invoked(ledger) if line["call_id"] == call_id]
        first_sent = list(dict.fromkeys(sent))
        assert sum(early > late for early, late in pairwise(first_sent)) >= 5
    printed = capsys.readouterr().out
    assert "seed 11" in printed
    assert re.search(r"lost on purpose +15 ", printed)
    assert "Verified: all 135 acknowledged packets of 3 calls" in printed


async def test_a_packet_s_timestamp_is_its_place_in_the_call(one_second: Path) -> None:
    trunkline = FakeTrunkline()
    await run(trunkline, one_second)
    for call in trunkline.calls.values():
        starts = {
            round(packet["timestamp"] - 0.02 * sequence, 3) for (_, sequence), packet in call.packets.items()
        }
        assert len(starts) == 1


async def test_at_real_time_a_call_takes_as_long_as_its_audio(one_second: Path) -> None:
    trunkline = FakeTrunkline()
    ledger = one_second.with_name("ledger")
    assert await run(trunkline, one_second, "--calls", "1", "--speed", "4", "--ledger", str(ledger)) == 0
    lines = [line for line in history(ledger) if line["kind"] == "packet"]
    first, last = (line["at"][17:26] for line in (lines[0], lines[-1]))
    assert (float(last) - float(first)) % 60 >= (PACKETS - 1) * 0.02 / 4


async def test_a_busy_service_gets_each_request_again_until_it_takes_it(one_second: Path) -> None:
    trunkline = FakeTrunkline(PlantedFaults(busy_every=7))
    ledger = one_second.with_name("ledger")
    assert await run(trunkline, one_second, "--loss", "0", "--ledger", str(ledger)) == 0
    assert trunkline.busy_answers > 15
    assert all(len(call.packets) == PACKETS for call in trunkline.calls.values())
    outcomes = Counter((line["event"], line.get("status")) for line in history(ledger))
    assert outcomes["unknown", 503] == trunkline.busy_answers
    assert outcomes["invoke", None] == trunkline.posts


async def test_the_ledger_pairs_each_request_with_its_outcome(one_second: Path) -> None:
    ledger = one_second.with_name("ledger")
    trunkline = FakeTrunkline(PlantedFaults(refuse=frozenset({9})))
    await run(trunkline, one_second, "--loss", "0", "--duplicate", "0", "--ledger", str(ledger))
    lines = history(ledger)
    invoked = [line for line in lines if line["event"] == "invoke"]
    ended = {line["request"]: line for line in lines if line["event"] != "invoke"}
    assert [line["request"] for line in invoked] == list(range(1, len(invoked) + 1))
    assert Counter(line["kind"] for line in invoked) == {"init": 3, "packet": 3 * PACKETS, "complete": 3}
    for line in invoked:
        end = ended.pop(line["request"])
        same = ("kind", "call_id", "stream", "sequence", "sha256")
        assert [line[name] for name in same] == [end[name] for name in same]
        refused = line["sequence"] == 9
        assert (end["event"], end["status"] == 409) == ("fail" if refused else "ok", refused)
    assert not ended
    assert all((line["sha256"] is None) == (line["kind"] != "packet") for line in invoked)


@pytest.mark.parametrize(
    ("faults", "complaint"),
    [
        (PlantedFaults(forget=frozenset({17})), "packet 17 was acknowledged and is not there"),
        (PlantedFaults(garble=frozenset({5})), "packet 5 was acknowledged and is there with other bytes"),
        (PlantedFaults(keep_open=True), "its completion was acknowledged, and its state is IN_PROGRESS"),
        (PlantedFaults(understate_received=True), "50 packets were acknowledged, and the call says it"),
        (PlantedFaults(invent=frozenset({51})), "packet 51 is there, but was never sent or was refused"),
    ],
)
async def test_a_broken_promise_is_status_1_and_named(
    one_second: Path, faults: PlantedFaults, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(FakeTrunkline(faults), one_second, "--loss", "0") == 1
    printed = capsys.readouterr().out
    assert "NOT as acknowledged" in printed
    assert f"sim-11-2: {complaint}" in printed


async def test_a_refused_packet_is_shown_and_breaks_no_promise(
    one_second: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trunkline = FakeTrunkline(PlantedFaults(refuse=frozenset({9})))
    assert await run(trunkline, one_second, "--loss", "0", "--duplicate", "0") == 0
    assert "refused 3 times: packet 409 refused on purpose" in capsys.readouterr().out


async def test_a_call_longer_than_a_page_is_verified_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(wav(b"\x55" * 160 * 1_200, tag=7, bits=8))
    calm = ("--calls", "1", "--loss", "0")
    assert await run(FakeTrunkline(), path, *calm) == 0
    forgetful = FakeTrunkline(PlantedFaults(forget=frozenset({1_200})))
    assert await run(forgetful, path, *calm) == 1


async def test_the_same_seed_sends_the_same_packets(one_second: Path) -> None:
    async def run_once(name: str, *more: str) -> Counter[tuple[str, int]]:
        trunkline = FakeTrunkline()
        await run(trunkline, one_second, "--loss", "0.2", "--duplicate", "0.2", *more)
        return Counter((call_id.replace(name, ""), sequence) for call_id, sequence in trunkline.arrivals)

    assert await run_once("a", "--call-prefix", "a") == await run_once("b", "--call-prefix", "b")


async def test_where_no_call_is_taken_the_status_is_1(
    one_second: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeTrunkline().serve() as url:
        assert await pbx_command.run(options(f"{url}/nowhere", "--wav", str(one_second))) == 1
    printed = capsys.readouterr().out
    assert "refused 3 times: init 404" in printed
    assert "Nothing was acknowledged." in printed


async def test_where_nothing_listens_a_request_is_given_up_and_may_have_arrived(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    tally = Tally()
    with JsonLines(tmp_path / "ledger") as lines:
        async with aiohttp.ClientSession() as session:
            patience = Patience(attempts=3, first_wait_seconds=0.001)
            link = ServiceLink(session, url, History(lines), tally, patience)
            delivery = await link.deliver(Subject(Kind.INIT, "c-1"), "/v1/call/init", {})
            with pytest.raises(CannotRead):
                await link.read("/v1/calls/c-1")
    assert delivery.outcome is Outcome.UNKNOWN
    assert (tally.repeats, tally.unacknowledged) == (2, 1)
    assert [line["event"] for line in history(tmp_path / "ledger")] == ["invoke", "unknown"] * 3


def test_waits_grow_to_a_limit_and_are_no_shorter_than_retry_after() -> None:
    patience = Patience(attempts=9, first_wait_seconds=1, longest_wait_seconds=8)
    waits = [patience.wait_seconds(attempt, 0) for attempt in range(1, 9)]
    bounds = [1, 2, 4, 8, 8, 8, 8, 8]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert patience.wait_seconds(1, 20) == 20
