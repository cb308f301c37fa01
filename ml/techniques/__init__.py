"""How models learn. A technique is a module with

- `train(spec, data, split) -> Model`: deterministic given spec, data and threads;
- `load(folder) -> Model`: from the files that `Model.save` wrote, running no code from them;

and its Model has `features`, `null_shares`, `thresholds`, `facts`, `score`, `bands`, `reasons`, `judge`,
`figures` and `save` (see `binary`).
The verbs know nothing else of it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

KNOWN = ("binary",)


def technique(name: str) -> ModuleType:
    """The technique's module, imported at its first use (LightGBM reads its environment then)."""
    if name not in KNOWN:
        raise ValueError(f"There is no technique {name!r}. Known: {', '.join(KNOWN)}.")
    return importlib.import_module(f"ml.techniques.{name}")
