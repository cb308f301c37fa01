"""Train, calibration and out-of-time test: split by date, never shuffled.

The rule. *Test* is the newest as-of date. Everything learnt from has its labels complete on that date: a date
d may be used when d + horizon <= test. *Calibration* is the newest such date. *Train* are the dates whose
labels were complete on the calibration date in turn. Where fewer than three are left (a short history), train
takes all usable dates, and customers are divided instead of dates: a quarter of them calibrate.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.data.prerequisite import report
from ml.data.training import TrainingSet, as_date, as_day
from ml.errors import DataPrerequisite
from ml.spec import Spec

ENOUGH_TRAIN_DATES = 3


@dataclass(frozen=True)
class Split:
    """Row masks (n,) over a training set. `stop` are train customers set aside to end the fit."""

    train: np.ndarray
    stop: np.ndarray
    calibration: np.ndarray
    test: np.ndarray
    rule: str
    periods: dict[str, list[str]]

    def newest_learnt(self) -> date:
        """The newest as-of date that anything was learnt from."""
        return max(date.fromisoformat(day) for day in self.periods["train"] + self.periods["calibration"])


def buckets(customers: np.ndarray, count: int, salt: str) -> np.ndarray:
    """A customer's fixed bucket 0..count-1 by a hash of salt and id: the same on every machine and day.

    The hash is a cryptographic one because CRC-32 isn't mixed by a salt: two divisions would be one.
    """
    names, back = np.unique(customers, return_inverse=True)
    key = salt.encode()
    drawn = b"".join(hashlib.blake2b(name, digest_size=4, key=key).digest() for name in names.tolist())
    return (np.frombuffer(drawn, dtype=">u4") % count).astype(np.int64)[back]


def split_by_time(spec: Spec, data: TrainingSet) -> Split:
    """Split as the module says. Raises DataPrerequisite where the history or the positives don't suffice."""
    horizon = spec.horizon_days
    days = np.unique(data.day)
    test_day = days[-1]
    usable = days[days + horizon <= test_day]
    if not len(usable):
        raise _too_little(
            spec, data, f"no as-of date lies {horizon} days or more before the newest ({as_date(test_day)})"
        )
    calibration_days = usable[-1:]
    test = data.day == test_day
    train_days = usable[usable + horizon <= calibration_days[0]]
    if len(train_days) >= ENOUGH_TRAIN_DATES:
        calibration = data.day == calibration_days[0]
        learn = np.isin(data.day, train_days)
        rule = f"a gap of {horizon} days before calibration and before test"
    else:
        train_days = calibration_days = usable
        kept = buckets(data.customers, 4, "calibration") == 0
        calibration = np.isin(data.day, usable) & kept
        learn = np.isin(data.day, usable) & ~kept
        rule = f"a gap of {horizon} days before test; short history: calibrated on other customers, not later"
    stop = learn & (buckets(data.customers, 8, "stop") == 0)
    train = learn & ~stop
    parts = {"train": train, "early stopping": stop, "calibration": calibration, "test": test}
    _require_positives(spec, data, parts)
    periods = {
        "train": [as_date(day).isoformat() for day in train_days],
        "calibration": [as_date(day).isoformat() for day in calibration_days],
        "test": [as_date(test_day).isoformat()],
    }
    return Split(train, stop, calibration, test, rule, periods)


def _require_positives(spec: Spec, data: TrainingSet, parts: dict[str, np.ndarray]) -> None:
    needed = {
        "train": spec.needs.train_positives,
        "early stopping": 1,
        "calibration": spec.needs.calibration_positives,
        "test": spec.needs.test_positives,
    }
    for name, mask in parts.items():
        rows, positives = int(mask.sum()), int(data.label[mask].sum())
        least = min(positives, rows - positives)
        if least < needed[name]:
            which = "positives" if least == positives else "negatives"
            raise _too_little(spec, data, f"{name} has {least} {which} of {rows} rows, needed are {needed[name]}")


def _too_little(spec: Spec, data: TrainingSet, reason: str) -> DataPrerequisite:
    dates = data.dates()
    by_date = {
        day.isoformat(): {
            "rows": int((data.day == as_day(day)).sum()),
            "positives": int(data.label[data.day == as_day(day)].sum()),
        }
        for day in dates
    }
    found = report(spec, dates=dates, positives=int(data.label.sum()))
    found |= {"build_id": data.build.build_id, "as_of_dates": by_date}
    return DataPrerequisite(
        f"{spec.name} is skipped: {reason}. Labelled history: {found['history_days']} days ({len(dates)} as-of dates,"
        f" {found['positives']} positives); needed are {2 * spec.horizon_days} days or more.",
        found,
    )
