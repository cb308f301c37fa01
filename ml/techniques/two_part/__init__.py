"""How much is to be expected? Whether a customer earns anything at all, times how much then."""

from __future__ import annotations

from ml.techniques.two_part.data import again, read
from ml.techniques.two_part.data import divide as split
from ml.techniques.two_part.data import refuse_knowing as check
from ml.techniques.two_part.fitting import fit as train
from ml.techniques.two_part.model import load
from ml.techniques.two_part.scoring import scored

__all__ = ["again", "check", "load", "read", "scored", "split", "train"]
