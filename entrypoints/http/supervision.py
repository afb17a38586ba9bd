"""What failed, and mending it."""

from __future__ import annotations

from aiohttp import web

from application.call_queries import CallQueries
from application.reprocess_many import ReprocessMany
from entrypoints.http import supervision_wire
from entrypoints.http.answers import json_answer
from entrypoints.http.bodies import read_body
from entrypoints.http.structuring import MalformedBody
from entrypoints.http.wire import FieldProblem


class SupervisionHandlers:
    def __init__(self, queries: CallQueries, reprocess: ReprocessMany) -> None:
        self._queries = queries
        self._reprocess = reprocess

    async def failures(self, request: web.Request) -> web.Response:
        groups = await self._queries.failures()
        return json_answer(
            supervision_wire.FailureGroups(
                tuple(
                    supervision_wire.FailureGroup(
                        group.reason, group.count, group.newest_at, group.example_detail
                    )
                    for group in groups
                )
            )
        )

    async def reprocess_many(self, request: web.Request) -> web.Response:
        body = await read_body(request, supervision_wire.ReprocessManyRequest)
        _check(body)
        if body.call_ids is not None:
            batch_id, total = await self._reprocess.calls(body.call_ids, body.per_second)
        else:
            batch_id, total = await self._reprocess.failed(body.failure_reason, body.per_second)
        return json_answer(supervision_wire.ReprocessManyAnswer(batch_id, total), 202)

    async def reprocess_batches(self, request: web.Request) -> web.Response:
        return json_answer(
            supervision_wire.ReprocessBatches(
                tuple(
                    supervision_wire.ReprocessBatch(
                        batch_id=batch.batch_id,
                        created_at=batch.created_at,
                        per_second=batch.per_second,
                        failure_reason=batch.failure_reason,
                        all_failed=batch.all_failed,
                        total=batch.progress.total,
                        done=batch.progress.done,
                        refused=batch.progress.refused,
                        finished=batch.progress.is_finished,
                    )
                    for batch in await self._reprocess.recent()
                )
            )
        )

    async def reprocess_progress(self, request: web.Request) -> web.Response:
        progress = await self._reprocess.progress(request.match_info["batch_id"])
        return json_answer(
            supervision_wire.ReprocessProgress(
                progress.total, progress.done, progress.refused, progress.is_finished
            )
        )


def _check(body: supervision_wire.ReprocessManyRequest) -> None:
    given = [body.call_ids is not None, body.failure_reason is not None, body.all_failed]
    if sum(given) != 1:
        raise MalformedBody(
            [FieldProblem("", "needs one of call_ids, failure_reason and all_failed: true, and only one")]
        )
