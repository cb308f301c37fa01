"""Which product next? Collaborative filtering, a ranker over candidates, then the rules of who may be offered what."""

from __future__ import annotations

from ml.data.scores import Excluded
from ml.data.scores import Offered as scores
from ml.techniques.recommend.data import read
from ml.techniques.recommend.fitting import divide as split
from ml.techniques.recommend.fitting import fit as train
from ml.techniques.recommend.fitting import median_pair as example
from ml.techniques.recommend.fitting import refuse_knowing as check
from ml.techniques.recommend.model import load
from ml.techniques.recommend.offering import offered as scored

__all__ = ["check", "example", "load", "more_scores", "read", "scored", "scores", "split", "train"]
more_scores = (Excluded,)
