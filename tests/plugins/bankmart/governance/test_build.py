from datetime import date

import numpy as np

from bankmart.governance.build import month_ends
from ml.data.training import as_day
from ml.techniques.two_part.data import horizon, month_of

FIRST = date(2020, 1, 1)


def test_a_training_build_stands_on_month_ends_as_far_as_history_goes():
    ends = month_ends(FIRST, date(2026, 10, 31))
    assert (ends[-1], len(ends)) == (date(2026, 10, 31), 16), "the date itself, where it ends a month"
    assert ends[:3] == (date(2024, 9, 30), date(2024, 10, 31), date(2025, 9, 30))
    assert month_ends(FIRST, date(2026, 11, 1)) == month_ends(FIRST, date(2026, 11, 29)) == ends
    assert month_ends(date(2026, 7, 2), date(2026, 10, 31)) == (date(2026, 9, 30), date(2026, 10, 31))
    assert month_ends(date(2026, 10, 1), date(2026, 10, 31)) == ()


def test_a_margin_is_learnt_as_far_ahead_as_the_history_allows():
    def months(first):
        ends = month_ends(first, date(2026, 10, 31))
        days = np.array([as_day(day) for day in ends])
        newest = month_of(days[-1])
        known = {ahead: np.array([month_of(day) + ahead <= newest for day in days]) for ahead in (12, 6, 3)}
        return horizon(days, known)

    assert months(FIRST) == 12
    assert months(date(2024, 8, 1)) == 6, "25 months of margins and the 90 days before them are too few for a year"
    assert months(date(2025, 5, 1)) == 6
    assert months(date(2025, 10, 1)) == 3
    assert months(date(2026, 3, 1)) is None
