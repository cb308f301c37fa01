"""Unusual months planted into a copy of real ones, so that a search for them can be judged without a label.

Three kinds that banks know: money sent away in a burst at night, cash paid in by slices below the report limit,
and a burst of card payments abroad. What is planted is added to what the customer did anyway.
"""

from __future__ import annotations

import numpy as np

KINDS = ("night", "slices", "abroad")


def plant(numbers: np.ndarray, features: tuple[str, ...], count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A copy of customers (n, m) with `count` planted ones, and the mask (n,) of them.

    The amounts are a share of what the customer moves anyway, so that an unusual month isn't simply a large one.
    """
    rng = np.random.default_rng(seed)
    made = numbers.copy()
    chosen = np.sort(rng.choice(len(numbers), min(count, len(numbers)), replace=False))
    kinds = rng.integers(0, len(KINDS), len(chosen))
    for row, kind in zip(chosen, kinds, strict=True):
        for name, value in _changes(KINDS[kind], rng, _at(made, features, row, "out_amount_30d")).items():
            place = features.index(name) if name in features else -1
            if place >= 0 and not np.isnan(made[row, place]):
                is_peak = name.startswith("busiest_")
                made[row, place] = max(made[row, place], value) if is_peak else made[row, place] + value
    mask = np.zeros(len(numbers), dtype=bool)
    mask[chosen] = True
    return made, mask


def _at(numbers: np.ndarray, features: tuple[str, ...], row: int, name: str) -> float:
    return float(np.nan_to_num(numbers[row, features.index(name)])) if name in features else 0.0


def _changes(kind: str, rng: np.random.Generator, moved: float) -> dict[str, float]:
    amount = max(500.0, moved) * rng.uniform(0.3, 0.9)
    if kind == "slices":
        count = float(rng.integers(4, 9))
        return {"cash_count_30d": count, "slice_count_30d": count}
    if kind == "night":
        count = float(rng.integers(5, 12))
        return {
            "out_count_30d": count,
            "out_amount_30d": amount,
            "night_count_30d": count,
            "busiest_night_count_30d": count,
            "busiest_out_count_30d": count,
            "busiest_out_amount_30d": amount,
            "busiest_largest_amount_30d": amount / 2,
        }
    count = float(rng.integers(8, 21))
    return {
        "card_count_30d": count,
        "card_amount_30d": amount,
        "abroad_count_30d": count,
        "busiest_card_count_30d": count,
        "busiest_card_amount_30d": amount,
        "busiest_abroad_count_30d": count,
        "out_count_30d": count,
        "out_amount_30d": amount,
        "busiest_out_count_30d": count,
        "busiest_out_amount_30d": amount,
    }
