"""What a step of the line is to the matrix: how it begins, and what it must have done."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from datetime import date

from bankmart.bench.faults import kinds
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.strike import Act


class Stage(ABC):
    """One step of the line. Its points are those of bankmart.faults that begin with its name."""

    name = ""
    # What the audit chain says first when the step is tried.
    attempt = ""
    # Points that are passed more than once: the fault may strike at a later passage.
    often: tuple[str, ...] = ()
    # Whether it asks MLflow: to others that can't be slow.
    asks_mlflow = False

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    @classmethod
    def kinds(cls) -> list[str]:
        """What can happen to it."""
        return [kind for kind in kinds.KINDS if cls.asks_mlflow or kind not in kinds.OF_MLFLOW]

    @abstractmethod
    def begin(self, rng: random.Random, point: str) -> Act:
        """Undo what the step did before, and return it."""

    def is_told(self, since: int) -> bool:
        """Whether the chain has a word of the try, after entry `since`, before anything is tried again."""
        return bool(query("select 1 from audit.entry where number > %s and kind = %s", since, self.attempt))

    def findings(self) -> list[str]:
        """What the step has not done as it should; and put back what the next step needs."""
        return []

    def allowed(self) -> set[date]:
        """The dates that a reader may see while it goes on."""
        return {self.bank.published}
