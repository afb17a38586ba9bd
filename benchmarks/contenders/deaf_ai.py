"""`trunkline simulate ai` on the port given, without its ears.

A real AI service is on another machine; decoding speech here would take from the server under test
what no AI service takes from it. Latencies and failures are the simulator's defaults.
"""

from __future__ import annotations

import sys

from entrypoints.cli import main

if __name__ == "__main__":
    sys.modules["pocketsphinx"] = None  # type: ignore[assignment] # how Python is told that it is not there
    sys.exit(main(["simulate", "ai", "--port", sys.argv[1]]))
