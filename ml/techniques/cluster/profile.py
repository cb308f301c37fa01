"""What tells each group apart, and a name made from it by rule in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Less than half a spread from the mean isn't worth a word.
TELLING = 0.5
WORDS = 2
SHOWN = 5


def profile(
    numbers: np.ndarray,
    group: np.ndarray,
    centres: np.ndarray,
    keys: Sequence[str],
    features: Sequence[str],
    described: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Per group: key, share, name in zh and en, and the features that tell it apart, furthest first.

    `numbers` (n, m) are the customers' own values, `centres` (k, m) in spreads from everybody's mean.
    """
    made: list[dict[str, Any]] = []
    for at, key in enumerate(keys):
        inside = numbers[group == at]
        order = np.argsort(-np.abs(centres[at]), kind="stable")
        telling = [
            {
                "feature": features[place],
                "spreads": round(float(centres[at, place]), 3),
                "median": _median(inside[:, place]),
                "everybody": _median(numbers[:, place]),
            }
            for place in order[:SHOWN]
        ]
        zh, en = _name(centres[at], order, features, described, [(one["zh"], one["en"]) for one in made])
        made.append({"key": key, "share": round(len(inside) / len(numbers), 4), "zh": zh, "en": en, "telling": telling})
    return made


def profile_lines(profiles: list[dict[str, Any]]) -> list[str]:
    """The profile as a Markdown table for the model card."""
    lines = ["| group | share | name | what tells it apart: median (everybody's) |", "| --- | --- | --- | --- |"]
    for one in profiles:
        told = "; ".join(f"{each['feature']} {each['median']:g} ({each['everybody']:g})" for each in one["telling"])
        lines.append(f"| {one['key']} | {one['share']:.1%} | {one['zh']} / {one['en']} | {told} |")
    return lines


def _name(
    centre: np.ndarray, order: np.ndarray, features: Sequence[str], described: Mapping[str, Any], taken: list[Any]
) -> tuple[str, str]:
    """As many words as it takes to be different from the names before; a feature in two windows is said once."""
    zh: list[str] = []
    en: list[str] = []
    said: set[str] = set()
    for place in order:
        words = described[features[place]]
        if words["en"] in said or (len(zh) >= WORDS and ("、".join(zh), ", ".join(en)) not in taken):
            continue
        if zh and abs(centre[place]) < TELLING and ("、".join(zh), ", ".join(en)) not in taken:
            break
        said.add(words["en"])
        high = centre[place] > 0
        zh.append(f"{words['zh']}{'高' if high else '低'}")
        en.append(f"{'high' if high else 'low'} {words['en'][0].lower()}{words['en'][1:]}")
    if max(np.abs(centre)) < TELLING and ("各项居中", "average in everything") not in taken:
        return "各项居中", "average in everything"
    return "、".join(zh), ", ".join(en)


def _median(values: np.ndarray) -> float:
    there = values[~np.isnan(values)]
    return round(float(np.median(there)), 4) if len(there) else 0.0
