"""`python -m entrypoints` is `trunkline`."""

import sys

from entrypoints.cli import main

sys.exit(main())
