"""A file system of a few megabytes that can be filled up, which only this process and its children see.

It is a tmpfs (see tmpfs(5)) in a mount namespace of this process's own (see mount_namespaces(7)), so it needs
Linux and the right to mount, which root has outside of most containers.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import attrs

_CLONE_NEWNS: Final = 0x0002_0000
_MS_REC_PRIVATE: Final = 0x4000 | 0x4_0000
_MNT_DETACH: Final = 2
_PIECES_BYTES: Final = (1024 * 1024, 4096)


class NoSmallDisk(Exception):
    """None can be made here; the message says why."""


@attrs.frozen
class SmallDisk:
    folder: Path

    def fill(self) -> None:
        """To the last byte, or so; who else writes may get some of it."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for piece in _PIECES_BYTES:
                with _until_full():
                    while True:
                        ballast.write(bytes(piece))

    def free(self) -> None:
        """All that :meth:`fill` took."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@contextmanager
def _until_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """At ``folder``, which is made; it is gone afterwards. Raises NoSmallDisk."""
    _have_own_namespace()
    folder.mkdir()
    libc = _libc()
    options = f"size={megabytes}m,mode=0755".encode()
    _check(libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options), "mount a tmpfs")
    try:
        yield SmallDisk(folder)
    finally:
        libc.umount2(os.fsencode(folder), _MNT_DETACH)
        folder.rmdir()


@cache
def _have_own_namespace() -> None:
    """From now on no mount of ours is seen outside, nor outlives us."""
    libc = _libc()
    if not hasattr(libc, "unshare"):
        raise NoSmallDisk("a small file system to fill up needs Linux")
    _check(libc.unshare(_CLONE_NEWNS), "have mounts of its own")
    _check(libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None), "keep its mounts to itself")


def _check(result: int, what: str) -> None:
    if result != 0:
        why = os.strerror(ctypes.get_errno())
        raise NoSmallDisk(f"this process may not {what}: {why}; it takes root outside of a container")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
