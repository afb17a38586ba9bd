"""A process that keeps its side of the membership with the standard library alone, and so starts fast.

Arguments: a folder, its number, the file descriptor of its socket, and how it behaves. It leaves a file
`NUMBER.PID.EVENT` in the folder for what happens to it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path


def main(folder: Path, number: str, socket_number: int, behaviour: str) -> int:
    def note(event: str) -> None:
        (folder / f"{number}.{os.getpid()}.{event}").touch()

    note("began")
    if behaviour == "refuses":
        return 1
    if behaviour == "is killed at start":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "refuses from the second time on" and len(list(folder.glob(f"{number}.*.began"))) > 1:
        return 1
    if behaviour == "starts for ever":
        signal.pause()
    if behaviour == "is deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tie = socket.socket(fileno=socket_number)
    tie.send(b"l")
    note("listened")
    if behaviour == "dies":
        return 7
    if behaviour == "is deaf":
        signal.pause()
    while word := tie.recv(1):
        note({b"s": "stop", b"h": "hurry"}[word])
        if word == b"h" or behaviour != "takes its time":
            break
    else:
        note("alone")
    return 3 if behaviour == "ends badly" else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
