"""A call with two legs, as a supervisor would look at: packets of speech, some of them lost."""

from __future__ import annotations

import base64
from typing import Final

import aiohttp
import asyncpg

from entrypoints.simulators.pbx.call_audio import PACKET_BYTES, SILENCE, read_packets
from entrypoints.simulators.pbx_command import SAMPLE_CALL
from tests.browser.stand_in_ai import Spoken

CALL_ID: Final = "desk-4-1718"
LOST: Final = {"caller": {61, 62, 63, 64, 232, 420, 421}, "agent": {118, 119, 520}}
SENT_AGAIN: Final = {"caller": range(300, 312)}
METADATA: Final = {"from": "+15550142290", "to": "204", "queue": "orders", "agent": "Mara"}
SUMMARY: Final = (
    "The caller orders one hundred computers for a school and asks for delivery before Monday. "
    "The agent confirms the order and the day, and sends the offer by mail."
)
SAYS: Final[dict[str, Spoken]] = {
    "agent": [
        (0.3, 2.9, "Good afternoon, this is Mara at the order desk."),
        (9.8, 13.4, "One hundred, gladly. We can deliver on Friday, would that suit you?"),
    ],
    "caller": [
        (3.3, 6.2, "Hello, I would like to order one hundred computers for our school."),
        (6.4, 9.5, "They would have to be here before Monday."),
        (13.8, 16.0, "Friday is perfect, thank you so much."),
    ],
}


async def place(session: aiohttp.ClientSession, url: str) -> None:
    """To its end, as fast as it can."""
    media = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8_000, "channels": 1}
    init = {"call_id": CALL_ID, "media": media, "metadata": METADATA}
    await _post(session, f"{url}/v1/call/init", json=init)
    legs = _legs()
    for stream, packets in legs.items():
        sent = [sequence for sequence in range(1, len(packets) + 1) if sequence not in LOST[stream]]
        sent += SENT_AGAIN.get(stream, ())
        lines = b"\n".join(_line(stream, sequence, packets[sequence - 1]) for sequence in sent)
        headers = {"Content-Type": "application/x-ndjson"}
        await _post(session, f"{url}/v1/call/stream/{CALL_ID}", data=lines, headers=headers)
    final = {stream: len(packets) for stream, packets in legs.items()}
    await _post(session, f"{url}/v1/call/complete/{CALL_ID}", json={"final_sequence": final})


async def pretend_that_it_took_its_time(database_url: str) -> None:
    """The call its sixteen seconds, the AI seven."""
    connection = await asyncpg.connect(database_url)
    try:
        earlier = {"call_started": 27, "call_completed": 11, "run_started": 9, "call_transcribed": 4}
        for event, seconds in earlier.items():
            await connection.execute(
                "UPDATE call_events SET at = at - make_interval(secs => $3)"
                " WHERE call_id = $1 AND event = $2",
                CALL_ID,
                event,
                seconds,
            )
        await connection.execute(
            "UPDATE calls SET started_at = started_at - make_interval(secs => 27),"
            " completed_at = completed_at - make_interval(secs => 11) WHERE call_id = $1",
            CALL_ID,
        )
    finally:
        await connection.close()


def _legs() -> dict[str, list[bytes]]:
    """The sample's two sentences, in turns."""
    said = list(read_packets(SAMPLE_CALL))
    first, second = said[:165], said[165:]
    silence = SILENCE * PACKET_BYTES
    agent = [*first[20:145], *([silence] * 360), *second, *([silence] * 160)]
    caller = [*([silence] * 165), *first, *second, *([silence] * 200), *second[:110]]
    length = min(len(agent), len(caller))
    return {"agent": agent[:length], "caller": caller[:length]}


def _line(stream: str, sequence: int, packet: bytes) -> bytes:
    data = base64.b64encode(packet).decode()
    return b'{"sequence":%d,"stream":"%s","timestamp":%.2f,"data":"%s"}' % (
        sequence,
        stream.encode(),
        1_700_000_000 + sequence / 50,
        data.encode(),
    )


async def _post(session: aiohttp.ClientSession, url: str, **body: object) -> None:
    async with session.post(url, **body) as answer:  # type: ignore[arg-type] # as aiohttp names them
        assert answer.status in (201, 202), await answer.text()
