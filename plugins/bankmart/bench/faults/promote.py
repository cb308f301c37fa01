"""A version becomes the champion, whatever happens meanwhile: somebody is champion all the time, and it is said once.

The MLflow server keeps its registry in the bank's own Postgres, so that what happens to the one happens to the other.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing

import psycopg2

from bankmart import settings
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.stage import Stage
from bankmart.bench.faults.strike import CONNECTING, Act

MODEL = "churn"
CHAMPION = "select version::text from registered_model_aliases where name = %s and alias = 'champion'"


class Promote(Stage):
    """The step after a person's word. What was compared before is there, as a report; nothing is judged again."""

    name, attempt, asks_mlflow = "promote", "promote_begun", True

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.before = self.version = ""
        self.watch = Watch()

    def begin(self, rng: random.Random, point: str) -> Act:
        """A new version with a verdict that lets it pass; the first time a champion before it."""
        if not self.version:
            self._promotion(self._registered())()
        self.before, self.version = self._champion(), self._registered()
        self.watch = Watch()
        self.watch.start()
        return self._promotion(self.version)

    def findings(self) -> list[str]:
        """The new one is champion, nobody was none; the audit says it once, and who approved."""
        seen = self.watch.ended()
        found = [] if seen == [self.before, self.version] else [f"champions seen, one after the other: {seen}"]
        said = query("select actor from audit.entry where kind = 'promote' and subject = %s",
                     f"{MODEL} version {self.version}")  # fmt: skip
        found += [] if said == [("faults",)] else [f"the audit has {said} of version {self.version}"]
        from ml.tracking import registry

        left = registry.by_alias(MODEL, registry.CHALLENGER)
        return found + ([f"version {left.number} is challenger still"] if left else [])

    def _promotion(self, version: str) -> Act:
        from ml import promote

        return lambda: print(promote.run(MODEL, self.bank.published, int(version), approved_by="faults"))

    def _champion(self) -> str:
        from ml.tracking import registry

        found = registry.by_alias(MODEL)
        return found.number if found else ""

    def _registered(self) -> str:
        from mlflow import MlflowClient

        from ml import compare
        from ml.spec import load_spec
        from ml.tracking import registry
        from ml.tracking.server import tracking

        spec, day = load_spec(MODEL), self.bank.published
        with tracking(), registry.training_run(spec, {"as_of": day.isoformat()}) as run_id:
            registry.ensure_registered(MlflowClient(), spec)
            source = MlflowClient().get_run(run_id).info.artifact_uri
            made = MlflowClient().create_model_version(MODEL, f"{source}/model", run_id=run_id)
            candidate = registry.get_version(MODEL, int(made.version))
            asked = compare.asked(spec, day, candidate, registry.by_alias(MODEL), without_champion=False)
            registry.name_challenger(candidate)
            registry.add_report(candidate, "gate", "passed", asked | {"passed": True, "gates": [], "report": "passed"})
        return candidate.number


class Watch(threading.Thread):
    """Looks in the registry's own table who is champion, again and again."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: list[str] = []
        self.is_over = threading.Event()

    def ended(self) -> list[str]:
        """One more look, then all that was seen: each that differs from the one before it."""
        time.sleep(0.1)
        self.is_over.set()
        self.join(60)
        return self.seen

    def run(self) -> None:
        """Until it is over; while the server is away nobody sees anything."""
        while not self.is_over.is_set():
            try:
                with CONNECTING:
                    link = psycopg2.connect(settings.dsn("mlflow", settings.MLFLOW))
                with closing(link), link.cursor() as cursor:
                    link.autocommit = True
                    while not self.is_over.is_set():
                        cursor.execute(CHAMPION, (MODEL,))
                        champion = ", ".join(version for (version,) in cursor.fetchall()) or "nobody"
                        self.seen += [champion] if champion not in self.seen[-1:] else []
                        time.sleep(0.01)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                time.sleep(0.02)
