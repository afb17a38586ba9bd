"""A small disk is full to the last page, and has room again, and is gone in the end."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from faults.small_disk import NoSmallDisk, small_disk


def test_it_takes_nothing_while_it_is_full(tmp_path: Path) -> None:
    try:
        with small_disk(tmp_path / "disk", 2) as disk:
            (disk.folder / "before").write_bytes(b"here")
            disk.fill()
            with pytest.raises(OSError, match="No space left") as refused:
                (disk.folder / "file").write_bytes(b"x")
            assert refused.value.errno == errno.ENOSPC
            disk.free()
            (disk.folder / "file").write_bytes(b"x" * 1_000_000)
            assert (disk.folder / "before").read_bytes() == b"here"
    except NoSmallDisk as reason:
        pytest.skip(str(reason))
    assert list(tmp_path.iterdir()) == []
