"""A B C D A B C D …: each round measures every contender once, so that drift meets all of them."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from benchmarks.bench import PROJECT, Bench
from benchmarks.contenders.contender import Contender
from benchmarks.measurement import Measurement, NotMeasured, Outcome, Unmeasured, Why
from benchmarks.run_results import Results


async def measure(bench: Bench, contenders: Sequence[Contender]) -> Results:
    """All rounds, and then what is measured once. A failure ends a contender's round, not the run."""
    results = Results.of(contenders)
    in_rounds = [contender for contender in contenders if contender.in_rounds]
    for number in range(1, bench.options.rounds + 1):
        for contender in in_rounds:
            await _measure_one(bench, contender, number, f"round {number}/{bench.options.rounds}", results)
    for contender in contenders:
        if not contender.in_rounds:
            await _measure_one(bench, contender, 1, "afterwards", results)
    return results


async def _measure_one(bench: Bench, contender: Contender, number: int, when: str, results: Results) -> None:
    if results.is_out(contender.name):
        return
    outcome = await _outcome(bench, contender, number)
    results.add(contender.name, outcome)
    bench.say(f"{when}: {contender.title}: {brief(outcome)}")


async def _outcome(bench: Bench, contender: Contender, number: int) -> Outcome:
    gc.collect()
    gc.freeze()  # what earlier rounds left is nothing for the collector to walk through in this one
    try:
        return await contender.run(bench, number)
    except NotMeasured as reason:
        return Unmeasured(reason.why, reason.detail)
    except Exception as error:  # whatever it was, the others are still to be measured
        return _failure(bench, error)


def _failure(bench: Bench, error: Exception) -> Unmeasured:
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, NotMeasured):
        return Unmeasured(first.why, first.detail)
    told = f"{type(first).__name__}: {first}" if str(first) else type(first).__name__
    return Unmeasured(Why.FAILED, _without_paths(bench, told))


def _without_paths(bench: Bench, text: str) -> str:
    """Results are for others to read, whom this machine's folders tell nothing."""
    return text.replace(str(bench.folder), "…").replace(str(PROJECT), "…")[:400]


def brief(outcome: Outcome) -> str:
    """In a line."""
    match outcome:
        case Unmeasured(why, detail):
            return f"{why.value}: {detail}"
        case Measurement():
            latencies = outcome.latencies
            return (
                f"{outcome.per_second:,.0f}/s"
                + (f", p99 {latencies.p99_ms:,.1f} ms" if latencies else "")
                + (
                    ""
                    if outcome.kept_its_promise
                    else f", BUT ONLY {outcome.stored} OF {outcome.acknowledged} STORED"
                )
            )
