"""What was counted, as numbers to reckon with."""

from __future__ import annotations

from math import inf

from adapters.metrics.prometheus import PrometheusMetrics


def test_figures_are_what_was_counted() -> None:
    metrics = PrometheusMetrics()
    metrics.batch_committed(3)
    metrics.batch_committed(40)
    for seconds in (0.0004, 0.003, 0.04, 60.0):
        metrics.packet_acknowledged(seconds)
    metrics.ai_attempted("transcription", "ok", 1.0)
    metrics.ai_attempted("analysis", "unavailable", 1.0)
    metrics.ai_attempted("analysis", "refused", 1.0)
    figures = metrics.figures()
    assert (figures.packets, figures.ai_attempts, figures.ai_failures) == (43, 3, 2)
    acks = dict(figures.acks)
    assert [bound for bound, _ in figures.acks] == sorted(acks)
    assert (acks[0.001], acks[0.005], acks[0.05], acks[10], acks[inf]) == (1, 2, 3, 3, 4)


def test_before_anything_was_counted_there_are_none() -> None:
    figures = PrometheusMetrics().figures()
    assert (figures.packets, figures.ai_attempts, figures.ai_failures) == (0, 0, 0)
    assert {count for _, count in figures.acks} == {0}
