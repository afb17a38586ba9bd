"""The call, its life and its rules. Pure: no I/O, no clock, no randomness, no framework."""

__version__ = "0.1.0"
