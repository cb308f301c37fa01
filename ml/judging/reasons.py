"""Why this customer? A feature, its value and what it does to the score, as a sentence in Chinese and English."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from bankmart import settings
from bankmart.governance import project
from bankmart.governance.indicators.families import indicator_names


@dataclass(frozen=True)
class Description:
    """What a feature is called in both languages, its unit, its window, and what is usual (the median)."""

    zh: str
    en: str
    unit: str = ""
    window: int | None = None
    usual: float | None = None


# What the score tells, in both languages: "raises the risk of leaving" says more than "raises the score".
SCORE = ("评分", "the score")
_UNITS = {
    "currency": ("元", ""),
    "currency_days": ("元·天", ""),
    "days": ("天", " days"),
    "seconds": ("秒", " seconds"),
    "pieces": ("", ""),
    "score": ("分", " points"),
}


def describe(
    names: Sequence[str], numbers: np.ndarray, more: Mapping[str, Description] | None = None
) -> dict[str, Any]:
    """Feature → its description as a plain dict, for the model's facts, so that scoring needs no dbt project.

    `numbers` (n, len(names)) tell what is usual; `more` describes features that are no indicators. A feature that
    nobody described goes by its name.
    """
    known = {**_catalogue(), **(more or {})}
    described = {}
    for at, name in enumerate(names):
        column = numbers[:, at]
        there = column[~np.isnan(column)]
        usual = float(np.median(there)) if len(there) else None
        words = known.get(name, Description(name, name.replace("_", " ")))
        described[name] = asdict(words) | {"usual": usual}
    return described


def reason(
    name: str,
    value: float,
    contribution: float,
    described: Mapping[str, Any],
    about: tuple[str, str] = SCORE,
) -> dict[str, Any]:
    """One reason: {"feature", "value", "contribution", "zh", "en"}; NaN is a value that isn't there.

    `described` are the descriptions in the model's facts; `about` is what the score tells, in zh and en.
    """
    words = Description(**described[name]) if name in described else Description(name, name.replace("_", " "))
    is_null = bool(np.isnan(value))
    found_zh, found_en = ("无记录", "no record") if is_null else _said(value, words.unit)
    usual_zh, usual_en = ("", "")
    if words.usual is not None and words.unit != "flag":
        typical_zh, typical_en = _said(words.usual, words.unit)
        usual_zh, usual_en = f"（一般客户：{typical_zh}）", f" (usual: {typical_en})"
    window_zh = f"近{words.window}天" if words.window else ""
    window_en = f", last {words.window} days" if words.window else ""
    rises = contribution >= 0
    return {
        "feature": name,
        "value": None if is_null else float(value),
        "contribution": round(float(contribution), 6),
        "zh": f"{window_zh}{words.zh}：{found_zh}{usual_zh}，使{about[0]}{'上升' if rises else '下降'}",
        "en": f"{words.en}{window_en}: {found_en}{usual_en}; {'raises' if rises else 'lowers'} {about[1]}",
    }


def top_reasons(
    names: Sequence[str],
    numbers: np.ndarray,
    contributions: np.ndarray,
    count: int,
    described: Mapping[str, Any],
    about: tuple[str, str] = SCORE,
) -> list[str]:
    """Per row, as JSON, the features that raise the score most, largest first (arrays (n, len(names)))."""
    found = []
    for row, values in zip(contributions, numbers, strict=True):
        top = [at for at in np.argsort(-row, kind="stable")[:count] if row[at] > 0]
        reasons = [reason(names[at], float(values[at]), float(row[at]), described, about) for at in top]
        found.append(json.dumps(reasons, ensure_ascii=False))
    return found


@cache
def _catalogue() -> dict[str, Description]:
    """The descriptions of all indicators, by column, as the YAML of their models says them."""
    known = {}
    for path in sorted((settings.dbt_dir() / "models" / "tags").rglob("ind_*.yml")):
        for model in project.said(path)["models"]:
            for family in model["config"]["meta"].get("families", ()):
                has_window = family["aggregate"] != "recency" and family["windows"]
                windows = family["windows"] if has_window else [None]
                # A rate is shown in per cent, so how to read it needn't be said.
                english = family["en"].split(", 0.1 is")[0]
                for name, window in zip(indicator_names(family), windows, strict=True):
                    known[name] = Description(family["zh"], english, family["unit"], window)
    return known


def _said(value: float, unit: str) -> tuple[str, str]:
    """A value as a person writes it, in zh and en."""
    if unit == "rate":
        percent = f"{value:.0%}"
        return percent, percent
    if unit == "flag":
        return ("是", "yes") if value else ("否", "no")
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"
    after_zh, after_en = _UNITS.get(unit, ("", ""))
    return f"{text}{after_zh}", f"{text}{after_en}"
