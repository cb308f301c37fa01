"""Character n-grams of a text, weighted by TF-IDF: one vocabulary for Chinese and English, no dictionary needed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

# What is read of a text; nothing that follows changes its feeling, and memory stays bounded.
MOST_CHARACTERS = 5_000
CHUNK_TEXTS = 2_000
_SPACE = re.compile(r"\s+")
# A run of the same sign ("！！！！") says no more than three of it.
_RUN = re.compile(r"(.)\1{3,}")


def normalised(text: str | None) -> str:
    """One width, one case, single spaces, no control characters, at most MOST_CHARACTERS; null is the empty text."""
    raw = unicodedata.normalize("NFKC", (text or "")[: 2 * MOST_CHARACTERS]).lower()
    raw = "".join(sign for sign in raw if sign.isspace() or unicodedata.category(sign)[0] != "C")
    return _RUN.sub(r"\1\1\1", _SPACE.sub(" ", raw)).strip()[:MOST_CHARACTERS]


@dataclass(frozen=True)
class Terms:
    """The n-grams known (sorted), their inverse document frequency (m,), and the lengths of n-grams."""

    terms: tuple[str, ...]
    idf: np.ndarray
    lengths: tuple[int, int]

    @cached_property
    def _vectoriser(self) -> TfidfVectorizer:
        made = _vectoriser(self.lengths, vocabulary={term: at for at, term in enumerate(self.terms)})
        made.idf_ = self.idf
        return made

    def __call__(self, texts: Sequence[str | None]) -> csr_matrix:
        """Rows of unit length (n, m), (1 + log count) × idf; a text without a known n-gram is a row of zeros."""
        return self._vectoriser.transform([normalised(text) for text in texts]).tocsr()


def fit_terms(texts: Sequence[str | None], lengths: tuple[int, int], least_texts: int) -> Terms:
    """The n-grams that are in at least `least_texts` texts. Raises ValueError where there is none."""
    made = _vectoriser(lengths, min_df=least_texts)
    made.fit([normalised(text) for text in texts])
    terms = made.get_feature_names_out().tolist()
    return Terms(tuple(terms), np.asarray(made.idf_), lengths)


def _vectoriser(lengths: tuple[int, int], **more: object) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char", lowercase=False, ngram_range=lengths, sublinear_tf=True, **more)
