"""Named points of the line at which a test lets something happen to this process, or to the database under it.

Nothing happens but where the environment's BANKMART_FAULT names the point, as `point:kind:count`: the passage through
it at which it strikes, the first without a count.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

VARIABLE = "BANKMART_FAULT"
# Each point, where it lies.
POINTS = {
    "load.begun": "a load is entered, nothing is copied",
    "load.copying": "between two blocks of COPY",
    "load.copied": "a file is copied and checked",
    "load.commit": "before the load's commit",
    "load.done": "after the load's commit",
    "build.opened": "a build is entered, nothing is made",
    "build.layer": "before dbt makes a layer",
    "build.node": "a model or check of a layer is finished, others are not",
    "build.recorded": "what dbt did is written down, the gate has not judged",
    "build.gated": "a gate has judged",
    "publish.gated": "all gates have passed once more",
    "publish.catalogue": "the catalogue is new",
    "publish.quality": "the quality of the date is written down",
    "publish.views": "the readers' views are new, in the open transaction",
    "publish.verified": "access is verified",
    "publish.probed": "masks are probed",
    "publish.commit": "the switch is made, not committed",
    "publish.done": "after the switch's commit, before the chain's head is written outside",
    "publish.anchored": "the head is written outside",
    "rollback.begun": "a roll-back is entered, nothing has changed",
    "rollback.commit": "the switch back is made, not committed",
    "rollback.done": "after the switch's commit, before the chain's head is written outside",
    "score.chunk": "between two chunks of scores",
    "score.commit": "before the scores' commit",
    "serve.champion": "who is champion is known, its files are not read",
    "serve.loaded": "its files are read, nothing is scored",
    "serve.scored": "the scores are kept, how far customers have drifted is not",
    "train.opened": "a training has a run, which holds nothing",
    "train.kept": "the model's files are kept, there is no version",
    "train.registered": "the version is there",
    "promote.compared": "the gates have said yes, nothing has moved",
    "promote.tagged": "who approved is written down, the alias has not moved",
    "promote.named": "the alias has moved, the audit has no entry",
    "promote.done": "after the audit's entry",
    "takeback.begun": "the audit knows that a champion is taken back, its model does not",
    "takeback.intended": "the model knows what is taken back, nothing has moved",
    "takeback.tagged": "the version is marked as taken back, the alias has not moved",
    "takeback.moved": "the alias has moved, the audit has no entry",
    "takeback.done": "it is written down and said, the model still knows of it as begun",
    "repair.claimed": "records are marked as repaired, not loaded",
    "repair.commit": "before the repair's commit",
    "repair.done": "after the repair's commit",
    "erase.commit": "somebody is gone from all tables, in the open transaction",
    "erase.file": "a landing file is about to be written again",
    "erase.searched": "nothing is left, there is no certificate",
    "erase.done": "the certificate is in the chain, its file is not written",
    "tidy.deleted": "rows are deleted, in the open transaction",
    "tidy.part": "before a part of a state is dropped",
    "expire.deleted": "what is past its time is deleted, in the open transaction",
    "expire.folder": "a landing folder is about to be removed, its rows are gone",
    "rotate.locked": "the vault is locked with the new master key, in the open transaction",
    "rotate.batch": "a batch of keys is wrapped anew, not committed",
    "rotate.done": "after the commit of the last batch",
}
_passed: Counter[str] = Counter()


class Injected(RuntimeError):
    """What kind `raise` raises."""


def point(name: str) -> None:
    """Let the fault named in the environment happen (`bench.faults.kinds`), if it is for this point and passage."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    at, kind, count = [*wanted.split(":"), "1"][:3]
    if at != name:
        return
    _passed[name] += 1
    if _passed[name] == int(count):
        # What strikes is no part of the line.
        from bankmart.bench.faults import kinds

        kinds.strike(name, kind)


def callbacks() -> list[Callable[[Any], None]]:
    """What dbt is to call for each of its events: nothing, where no test asks for it."""
    return [_after_node] if os.environ.get(VARIABLE, "").startswith("build.node:") else []


def _after_node(event: Any) -> None:
    if event.info.name == "NodeFinished":
        point("build.node")
