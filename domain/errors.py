"""What the domain refuses.

The tree; the docstring of a class is its message where the class adds no facts of its own::

    TrunklineError
    ├── InvalidValue                a field that breaks a bound or a format
    │   ├── DataTooLarge
    │   └── StreamLimitReached
    ├── UnknownCall
    ├── UnknownStream
    ├── DeliveryRefused             several packets sent together; it names each refusal
    └── CallConflict                the request is well formed; the call's own story forbids it
        ├── CallDiffers
        ├── CallClosed
        ├── SequenceConflict
        ├── IllegalTransition
        ├── RunSuperseded
        ├── NoAudio
        └── AudioDropped
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.call_state import CallState


class TrunklineError(Exception):
    """Trunkline refused or could not do this."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title())

    @classmethod
    def title(cls) -> str:
        """The first line of the class's docstring, without its full stop."""
        return (cls.__doc__ or cls.__name__).splitlines()[0].rstrip(".")

    @property
    def detail(self) -> str:
        return str(self.args[0])


class InvalidValue(TrunklineError):
    """A value is out of its bounds or not in its format.

    ``field`` is the path of the field as the sender wrote it, e.g. ``data`` or ``media.channels``.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.problem = detail


class DataTooLarge(InvalidValue):
    """A packet's data is too large."""


class StreamLimitReached(InvalidValue):
    """The call has as many streams, or the stream as many gaps, as one may have."""


class UnknownCall(TrunklineError):
    """No such call."""

    def __init__(self, call_id: str) -> None:
        super().__init__(f"no call has the id {call_id!r}")
        self.call_id = call_id


class UnknownStream(TrunklineError):
    """The call has no such stream."""

    def __init__(self, call_id: str, stream: str) -> None:
        super().__init__(f"call {call_id!r} has no stream {stream!r}")
        self.stream = stream


class CallConflict(TrunklineError):
    """The call's state or its earlier packets forbid this."""


class CallDiffers(CallConflict):
    """The call was started with other media or metadata."""

    def __init__(self, call_id: str, field: str) -> None:
        super().__init__(f"call {call_id!r} was started with other {field}")
        self.field = field


class CallClosed(CallConflict):
    """The call takes no more packets."""

    def __init__(self, call_id: str, state: CallState) -> None:
        super().__init__(f"call {call_id!r} is {state.value} and takes no more packets")
        self.state = state


class SequenceConflict(CallConflict):
    """Another packet was stored under this sequence number."""

    def __init__(self, call_id: str, stream: str, sequence: int) -> None:
        super().__init__(
            f"call {call_id!r} holds other data as packet {sequence} of stream {stream!r}; the first stays"
        )
        self.stream = stream
        self.sequence = sequence


class IllegalTransition(CallConflict):
    """The call cannot make this move from the state it is in."""

    def __init__(self, call_id: str, current: CallState, wanted: CallState) -> None:
        super().__init__(f"call {call_id!r} is {current.value} and cannot become {wanted.value}")
        self.current = current
        self.wanted = wanted


class RunSuperseded(CallConflict):
    """This run of the call is over; what it found is not kept."""

    def __init__(self, call_id: str, run: int, current_run: int) -> None:
        super().__init__(f"run {run} of call {call_id!r} is not going on; its latest is run {current_run}")


class NoAudio(CallConflict):
    """The call carries text and has no audio."""

    def __init__(self, call_id: str) -> None:
        super().__init__(f"call {call_id!r} carries text and has no audio")


class AudioDropped(CallConflict):
    """The call's audio is no longer kept."""

    def __init__(self, call_id: str) -> None:
        super().__init__(f"what was received of call {call_id!r} is no longer kept")


class DeliveryRefused(TrunklineError):
    """Some of the packets sent together were refused, so none was stored.

    ``refusals`` says why, by place in the delivery, from 0.
    """

    def __init__(self, refusals: Mapping[int, TrunklineError]) -> None:
        self.refusals = dict(sorted(refusals.items()))
        place, first = next(iter(self.refusals.items()))
        super().__init__(f"{len(refusals)} refused, the first at {place + 1}: {first.detail}")
