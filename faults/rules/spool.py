"""What lies in the spool in the end is durable and not judged yet; but nothing should lie there any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import attrs

from faults.history import Request
from faults.observed import SpooledEntry
from faults.rules.replay import Piece, pieces_of, pieces_of_entry
from faults.violation import Violation


def with_left_in_spool(requests: Sequence[Request], spooled: Sequence[SpooledEntry]) -> list[Request]:
    """Those marked that were acknowledged as spooled and lie there: whether they are stored says nothing."""
    left = {piece for entry in spooled for piece in pieces_of_entry(entry.call_id, entry.entry)}
    return [
        attrs.evolve(request, left_in_spool=True)
        if request.is_spooled and not left.isdisjoint(pieces_of(request))
        else request
        for request in requests
    ]


def spool_violations(requests: Sequence[Request], spooled: Sequence[SpooledEntry]) -> Iterator[Violation]:
    tried: dict[Piece, list[Request]] = defaultdict(list)
    for request in requests:
        for piece in pieces_of(request):
            tried[piece].append(request)
    for entry in spooled:
        yield Violation("spool_not_empty", f"an entry of call {entry.call_id!r} was not replayed")
        for piece in pieces_of_entry(entry.call_id, entry.entry):
            like_it = tried.get(piece, [])
            if not like_it:
                yield Violation("spooled_never_sent", f"call {entry.call_id!r}: nobody sent {piece[1:]!r}")
            elif all(request.was_refused for request in like_it):
                yield Violation(
                    "refused_request_spooled",
                    f"call {entry.call_id!r}: attempt {like_it[0].attempt.number} was only ever refused",
                )
