"""How much is to be expected? Whether a customer earns anything at all, times how much then."""

from __future__ import annotations

from ml.techniques.two_part.data import again, read, refuse_knowing
from ml.techniques.two_part.data import divide as split
from ml.techniques.two_part.fitting import fit as train
from ml.techniques.two_part.model import load
from ml.techniques.two_part.scoring import scored

check = refuse_knowing

checked = (
    "no feature alone ranks how the margin changes, in {} rows; what the daily builds saw at the time isn't compared"
)
__all__ = ["checked", "again", "check", "load", "read", "scored", "split", "train"]
