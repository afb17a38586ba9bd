"""The usual design, written for the comparison: FastAPI, SQLAlchemy, one locked transaction per packet.

To be run by uvicorn, with the database in DATABASE_URL and its schema in place.
"""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import BigInteger, DateTime, ForeignKey, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Call(Base):
    __tablename__ = "calls"

    call_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    state: Mapped[str] = mapped_column(String(20), default="IN_PROGRESS")
    last_sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    packet_count: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class StoredPacket(Base):
    __tablename__ = "packets"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    sent_at_seconds: Mapped[float]
    data: Mapped[bytes]


class CallStart(BaseModel):
    call_id: str
    media: dict[str, Any] | None = None


class Packet(BaseModel):
    sequence: int
    data: str
    timestamp: float
    stream: str = "main"


class Receipt(BaseModel):
    status: str
    call_id: str
    stream: str
    sequence: int
    next_expected: int


engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
    pool_size=10,
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
application = FastAPI()


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


@application.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@application.post("/v1/call/init", status_code=201)
async def init(start: CallStart, session: Session) -> dict[str, str]:
    session.add(Call(call_id=start.call_id))
    await session.commit()
    return {"status": "started", "call_id": start.call_id}


@application.post("/v1/call/stream/{call_id}", status_code=202)
async def stream(call_id: str, packet: Packet, session: Session) -> Receipt:
    async with session.begin():
        call = await session.scalar(select(Call).where(Call.call_id == call_id).with_for_update())
        if call is None:
            raise HTTPException(404, "unknown call")
        session.add(
            StoredPacket(
                call_id=call_id,
                sequence=packet.sequence,
                sent_at_seconds=packet.timestamp,
                data=base64.b64decode(packet.data),
            )
        )
        call.last_sequence = max(call.last_sequence, packet.sequence)
        call.packet_count += 1
    return Receipt(
        status="accepted",
        call_id=call_id,
        stream=packet.stream,
        sequence=packet.sequence,
        next_expected=call.last_sequence + 1,
    )
