"""All contenders, in the order of a round."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.contenders import posts, steady_requests, watched, websockets
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.copying import Copying
from benchmarks.contenders.live_calls import Live
from benchmarks.contenders.ndjson import Ndjson
from benchmarks.contenders.pgbench import Pgbench


def everyone() -> Sequence[Contender]:
    return (
        posts.nothing_stored(),
        posts.usual_design(),
        Pgbench(),
        Copying(),
        posts.trunkline_posts(),
        steady_requests.SteadyPosts(),
        steady_requests.SteadyPostsBesideAi(),
        watched.by_many(),
        watched.by_many_websockets(),
        Ndjson(),
        websockets.websocket(),
        websockets.websocket_of_many(),
        Live(),
    )


def with_a_large_database() -> Sequence[Contender]:
    return (
        posts.trunkline_posts_large(),
        websockets.websocket_large(),
        steady_requests.read_call(),
        steady_requests.read_list(),
    )
