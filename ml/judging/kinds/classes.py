"""How well texts (or anything) are put into classes: macro F1, Cohen's kappa and accuracy, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ml.judging.fairness import Measured
from ml.judging.judgement import Judgement, judgement

METRICS = {"macro_f1": True, "kappa": True, "accuracy": True}
RESAMPLES = 400


def class_metrics(confusion: np.ndarray) -> np.ndarray:
    """METRICS of confusion matrices (…, truth, found) → (…, 3).

    Macro F1 is the mean of 2 TP / (2 TP + FP + FN) over the classes that are in truth or found (Pedregosa et al.
    2011); kappa is (agreement - chance) / (1 - chance) (Cohen 1960), 0 where chance alone agrees wholly.
    """
    total = np.maximum(confusion.sum(axis=(-2, -1)), 1e-300)
    hit = np.diagonal(confusion, axis1=-2, axis2=-1)
    truth, found = confusion.sum(axis=-1), confusion.sum(axis=-2)
    there = truth + found > 0
    f1 = np.where(there, 2 * hit / np.maximum(truth + found, 1e-300), 0.0)
    agreed = hit.sum(axis=-1) / total
    chance = (truth * found).sum(axis=-1) / total**2
    kappa = np.where(chance < 1, (agreed - chance) / np.maximum(1 - chance, 1e-300), 0.0)
    macro = f1.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    return np.stack([macro, kappa, agreed], axis=-1)


def compare_classes(
    model: np.ndarray,
    baseline: np.ndarray,
    truth: np.ndarray,
    classes: int,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Judgement:
    """Judge two sides' classes (n,) on the same rows, resampled in pairs; all are 0..classes-1."""
    rng = np.random.default_rng(seed)
    cells = [truth * classes + side for side in (model, baseline)]

    def counted(rows: np.ndarray) -> np.ndarray:
        return np.stack(
            [np.bincount(cell[rows], minlength=classes**2).reshape(classes, classes) for cell in cells]
        ).astype(np.float64)

    everybody = np.arange(len(truth))
    value = class_metrics(counted(everybody))
    drawn = np.stack(
        [class_metrics(counted(rng.integers(0, len(truth), len(truth)))) for _ in range(resamples)], axis=0
    )
    return judgement(len(truth), None, METRICS, value, drawn)


def errors_by_group(found: np.ndarray, truth: np.ndarray, classes: int) -> Measured:
    """How often a group's texts are read wrongly, and the macro F1 of them; classes (n,) are 0..classes-1."""

    def measure(sums: np.ndarray) -> np.ndarray:
        confusion = sums.reshape(*sums.shape[:-1], classes, classes)
        macro, _, right = np.moveaxis(class_metrics(confusion), -1, 0)
        empty = sums.sum(axis=-1) == 0
        return np.stack([np.where(empty, np.nan, 1 - right), np.where(empty, np.nan, macro)], axis=-1)

    return Measured(
        names=("error_rate", "macro_f1"),
        parts=np.eye(classes**2)[truth * classes + found],
        measure=measure,
        cases=np.ones(len(truth)),
        says="Of the texts by who wrote them: the share that is read wrongly, and the macro F1.",
    )


def confusion_plot(model: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> Figure:
    """Truth against what was found, with counts."""
    size = len(names)
    counts = np.bincount(truth * size + model, minlength=size**2).reshape(size, size)
    figure = Figure(figsize=(5.0, 4.4), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for row in range(size):
        for column in range(size):
            axes.text(column, row, str(counts[row, column]), ha="center", va="center")
    axes.set(title="Confusion", xlabel="found", ylabel="truth")
    axes.set_xticks(range(size), list(names))
    axes.set_yticks(range(size), list(names))
    return figure
