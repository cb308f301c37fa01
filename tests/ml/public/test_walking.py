from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.errors import DataPrerequisite
from ml.public.contacts import Contacts
from ml.public.gain import figures
from ml.public.walking import walk
from ml.public.window import Protocol

QUICK = Protocol(start=0.6, window=400, every=100, seeds=(1,), settings="plain")


def drawn(rows=2000, seed=0):
    """Buyers follow from x until the bank's world turns: then from the opposite."""
    rng = np.random.default_rng(seed)
    x, turned = rng.normal(size=rows), np.arange(rows) > rows * 0.6
    odds = -1 + np.where(turned, -1.5, 1.5) * x
    label = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    job = np.where(rng.random(rows) < 0.1, None, rng.choice(["a", "b"], rows).astype(object))
    return Contacts(
        moment=np.arange(rows, dtype=float),
        label=label,
        numeric=pd.DataFrame({"x": np.where(rng.random(rows) < 0.05, np.nan, x), "constant": 1.0}),
        categorical=pd.DataFrame({"job": pd.Series(job, dtype=object)}),
        positive="yes",
        left_out={},
    )


def test_retraining_follows_a_turned_world_and_the_same_again_gives_the_same():
    contacts = drawn()
    walked = walk(contacts, QUICK)
    assert walked.retrainings == 8
    label = contacts.label[walked.first :]
    assert figures(walked.rolling[0], label)[0] > 0.55 > 0.45 > figures(walked.frozen[0], label)[0]
    np.testing.assert_array_equal(walk(contacts, QUICK).rolling, walked.rolling)


def test_a_contact_is_scored_without_its_own_block_s_outcomes_and_later_ones():
    contacts = drawn()
    first = walk(contacts, QUICK)
    label = contacts.label.copy()
    begin = first.first + QUICK.every
    label[begin:] = 1 - label[begin:]
    other = walk(Contacts(**{**vars(contacts), "moment": np.floor(contacts.moment / 200), "label": label}), QUICK)
    same = walk(Contacts(**{**vars(contacts), "moment": np.floor(contacts.moment / 200)}), QUICK)
    part = slice(0, QUICK.every)
    np.testing.assert_array_equal(other.rolling[:, part], same.rolling[:, part])
    assert (other.rolling[:, QUICK.every * 2 :] != same.rolling[:, QUICK.every * 2 :]).any()


def test_too_few_buyers_is_a_reason():
    contacts = drawn(400)
    none = Contacts(**{**vars(contacts), "label": np.zeros(400, dtype=np.int8)})
    with pytest.raises(DataPrerequisite, match="too few contacts: before the first judged one"):
        walk(none, QUICK)
