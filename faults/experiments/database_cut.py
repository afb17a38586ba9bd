"""The way to the database loses commits and their answers, breaks in the middle, and goes dark."""

from __future__ import annotations

import asyncio
import random

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def trouble_the_way(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.1, 0.6))
        match dice.choice(("unanswered", "unanswered", "unheard", "cut", "dark")):
            case "unanswered":
                stage.lose_next_commit("is not answered")
            case "unheard":
                stage.lose_next_commit("never arrives")
            case "cut":
                stage.cut_way()
            case "dark":
                await stage.darken_way(dice.uniform(0.5, 3))
    stage.lose_next_commit("passes")


DATABASE_CUT = Experiment(
    name="database-cut",
    expectation="Commits whose answers are lost, connections cut anywhere and a way gone dark lose nothing "
    "acknowledged, and what is sent again counts once.",
    disturb=trouble_the_way,
    is_behind_way=True,
)
