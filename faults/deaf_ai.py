"""`trunkline simulate ai` without its ears: decoding speech would take the cores from what is tried here.

It is given that command's own options.
"""

from __future__ import annotations

import sys

from entrypoints.cli import main

if __name__ == "__main__":
    sys.modules["pocketsphinx"] = None  # type: ignore[assignment] # how Python is told that it is not there
    sys.exit(main(["simulate", "ai", *sys.argv[1:]]))
