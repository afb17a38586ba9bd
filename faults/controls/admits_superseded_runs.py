"""The guard that is off: a run that another has taken over from saves its result all the same."""

from __future__ import annotations

import sys

from domain.call import Call
from faults.controls.other_calls import with_rules
from faults.controls.variant import run_with_changed_units
from faults.quick_successors import take_up_quickly


class _Unfenced(Call):
    """Lets every run write, whichever is the latest."""

    __slots__ = ()

    def _admit(self, run: int) -> None:
        self.abandoned_runs = 0


if __name__ == "__main__":
    take_up_quickly()
    sys.exit(run_with_changed_units(with_rules(_Unfenced)))
