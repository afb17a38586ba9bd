"""`python -m faults`; see --help."""

from __future__ import annotations

import sys

from faults.command_line import main

if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
