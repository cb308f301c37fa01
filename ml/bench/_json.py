"""What the benchmarks share: one JSON document on standard output, counts as options, how many processors there are."""

from __future__ import annotations

import argparse
import json
import math
import os
from typing import Any


def as_json(report: Any) -> str:
    """The report as JSON that any reader takes: what isn't a finite number is null."""
    return json.dumps(_plain(report), indent=1, ensure_ascii=False, allow_nan=False)


def count(text: str) -> int:
    """An option's whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
