"""The schedule of faults, drawn from a seed, and the table of what came of them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bankmart import faults
from bankmart.bench.faults import stages, watch
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.stage import Stage
from bankmart.bench.faults.strike import strike
from bankmart.text import table

# Where a fault takes the server down, a reader waits for it to be back. One without room for its log ends itself.
DOWN = ("crash", "stop", "full")
# What every step passes more than once it passes twice at least.
PASSAGES = 2


@dataclass(frozen=True)
class Case:
    """One fault: a step, a kind and a seed that draws the rest; and the point and passage that were drawn."""

    stage: str
    kind: str
    seed: int
    fault: str


@dataclass(frozen=True)
class Result:
    """What came of a case; `findings` are empty where everything is as it must be."""

    case: Case
    retries: int | None
    seconds: float
    findings: tuple[str, ...]

    @property
    def has_recovered(self) -> bool:
        """Whether a plain retry was enough."""
        return self.retries is not None and not self.findings


def cases(seeds: Iterable[int]) -> list[Case]:
    """Every kind at every step that it can happen to, with each of the seeds."""
    made = []
    for stage in stages.STAGES:
        for kind in stage.kinds():
            made += [_draw(stage, kind, seed) for seed in seeds]
    return made


def _draw(stage: type[Stage], kind: str, seed: int) -> Case:
    rng = random.Random(f"{stage.name} {kind} {seed}")
    point = rng.choice([name for name in faults.POINTS if name.startswith(f"{stage.name}.")])
    count = rng.randint(1, PASSAGES) if point in stage.often else 1
    return Case(stage.name, kind, seed, f"{point}:{kind}:{count}")


def run(bank: Bank, steps: dict[str, Stage], case: Case) -> Result:
    """Let one fault happen while somebody reads; `steps`: the stages by name, each made once for the bank."""
    stage, rng = steps[case.stage], random.Random(case.seed)
    act = stage.begin(rng, case.fault.split(":")[0])
    ((newest,),) = query("select max(number) from audit.entry")
    told: list[bool] = []
    with watch.reading() as reader:
        outcome = strike(act, case.fault, bank.restart, lambda: told.append(stage.is_told(newest)))
    found = reader.findings(stage.allowed(), case.kind in DOWN)
    if outcome.retries is None:
        found.append(f"never done: {outcome.log[-2000:]}")
    if not all(told):
        found.append(f"struck, the try has no word in the audit: {stage.attempt} is wanted")
    found += stage.findings() + watch.findings(bank)
    return Result(case, outcome.retries, outcome.seconds, tuple(found))


def report(results: list[Result]) -> str:
    """Per step and kind: points struck, seeds, how many recovered, retries and seconds."""
    rows = []
    for stage, kind in dict.fromkeys((each.case.stage, each.case.kind) for each in results):
        those = [each for each in results if (each.case.stage, each.case.kind) == (stage, kind)]
        points = {each.case.fault.split(":")[0].partition(".")[2] for each in those}
        rows.append([
            stage, kind, len(points), len(those), sum(each.has_recovered for each in those),
            max(each.retries or 0 for each in those), f"{median(each.seconds for each in those):.1f}",
        ])  # fmt: skip
    head = ["step", "fault", "points", "seeds", "recovered", "most retries", "median s"]
    return table(head, rows)
