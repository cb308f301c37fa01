"""From a raw score to a probability: Platt's sigmoid or isotonic steps, kept as a few plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

FLOOR = 1e-6
# Below this many positives isotonic steps follow the noise.
ISOTONIC_POSITIVES = 200


@dataclass(frozen=True)
class Calibration:
    """`platt`: (slope, intercept) on the raw score; `isotonic`: the steps' corners `x` and heights `y`."""

    kind: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """Probabilities (n,) strictly between 0 and 1 for raw scores (n,)."""
        if self.kind == "platt":
            slope, intercept = self.x
            rate = 1 / (1 + np.exp(-np.clip(slope * raw + intercept, -500, 500)))
        else:
            rate = np.interp(raw, self.x, self.y)
        return np.asarray(np.clip(rate, FLOOR, 1 - FLOOR))


def fit_platt(raw: np.ndarray, label: np.ndarray) -> Calibration:
    """Platt (1999): logistic regression on the raw score; a falling slope would turn ranks: flattened."""
    fitted = LogisticRegression(C=1e6).fit(raw[:, None], label)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        rate = float(label.mean())
        slope, intercept = 0.0, float(np.log(rate / (1 - rate)))
    return Calibration("platt", (slope, intercept), ())


def fit_isotonic(raw: np.ndarray, label: np.ndarray) -> Calibration:
    """Isotonic regression by pool adjacent violators (Zadrozny and Elkan 2002)."""
    fitted = IsotonicRegression(out_of_bounds="clip").fit(raw, label)
    return Calibration("isotonic", tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))


def choose(raw: np.ndarray, label: np.ndarray, fold: np.ndarray) -> Calibration:
    """The better of the two by Brier score over the folds (n,) of customers, fitted on all of them."""
    errors = {"platt": 0.0, "isotonic": 0.0}
    fits = {"platt": fit_platt, "isotonic": fit_isotonic}
    enough = label.sum() >= ISOTONIC_POSITIVES
    for held in np.unique(fold) if enough else ():
        rest, out = fold != held, fold == held
        if len(np.unique(label[rest])) < 2:
            continue
        for kind, fit in fits.items():
            errors[kind] += float(np.sum((fit(raw[rest], label[rest])(raw[out]) - label[out]) ** 2))
    kind = "isotonic" if errors["isotonic"] < errors["platt"] else "platt"
    return fits[kind](raw, label)
