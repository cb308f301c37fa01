from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.errors import DataPrerequisite
from ml.public import window
from ml.public.contacts import Contacts
from ml.public.gain import figures
from ml.public.walking import walk
from ml.public.window import RESPONSE, Protocol, learnt_from
from ml.spec import load_spec

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


def test_retrained_every_night_a_day_knows_nothing_of_itself_or_later():
    # All contacts of a day share one outcome, drawn anew: whoever looks into the day knows it, and nobody else.
    rng = np.random.default_rng(5)
    days, size = 60, 60
    label = np.repeat(rng.integers(0, 2, days), size).astype(np.int8)
    plain = drawn(days * size)
    contacts = Contacts(**{**vars(plain), "label": label, "moment": np.repeat(np.arange(days, dtype=float), size)})
    nightly = replace(QUICK, window=1500, every=90, nightly=True)
    walked = walk(contacts, nightly)
    assert walked.retrainings == days * 0.4 / 2, "every second night has 90 new contacts"
    judged = label[walked.first :]
    assert abs(figures(walked.rolling[0], judged)[0] - 0.5) < 0.15
    peeking = Contacts(**{**vars(contacts), "moment": np.arange(len(label), dtype=float)})
    looked = walk(peeking, replace(nightly, nightly=False))
    assert figures(looked.rolling[0], judged)[0] > 0.8, "the planted outcome can be found"

    turned = label.copy()
    turned[walked.first + size :] = 1 - turned[walked.first + size :]
    other = walk(Contacts(**{**vars(contacts), "label": turned}), nightly)
    np.testing.assert_array_equal(other.rolling[:, : 2 * size], walked.rolling[:, : 2 * size])
    assert (other.rolling[:, 2 * size :] != walked.rolling[:, 2 * size :]).any()


def test_a_small_window_reaches_back_for_buyers_and_too_few_known_ones_are_a_reason():
    contacts = drawn()
    rare = Contacts(**{**vars(contacts), "label": np.where(np.arange(2000) % 40 == 0, 1, 0).astype(np.int8)})
    learnt = learnt_from(rare, 1200, 100, 0)
    assert (learnt[0], learnt[-1]) == (400, 1199), "twenty buyers, one in forty"
    assert walk(rare, replace(QUICK, window=1, every=400)).retrainings == 2
    with pytest.raises(DataPrerequisite, match="At contact 1200 of 2000 the outcomes of 100 contacts are known, 3 of"):
        walk(rare, replace(QUICK, delay=1100))


def test_it_can_learn_as_the_response_model_does_and_tries_parameters_once(monkeypatch):
    own = load_spec("response").params
    made = window.spec_of(("a", "b"), 3, RESPONSE, 1).params
    assert {name for name in own if made[name] != own[name]} == {"origins", "baseline"}
    asked, spec_of = [], window.spec_of

    def watched(*given):
        asked.append((given[1], given[-1], spec_of(*given).params["trials"]))
        # Few of them, quickly.
        return replace(spec_of(*given), params={**spec_of(*given).params, "num_boost_round": 20})

    monkeypatch.setattr(window, "spec_of", watched)
    plain = drawn()
    noisy = plain.numeric["x"].fillna(0) + np.random.default_rng(1).normal(size=2000)
    contacts = replace(plain, label=(noisy > 0.5).to_numpy(np.int8))
    walked = walk(contacts, replace(QUICK, window=1200, every=400, settings=RESPONSE, seeds=(1, 2)))
    first, later = asked[:2], asked[2:]
    assert first == [(1, None, own["trials"]), (2, None, own["trials"])]
    # Then what they came to holds; the frozen model is trained once and tries by itself.
    assert [one[2] for one in later] == [0, 0, own["trials"], own["trials"]]
    assert set(walked.tuned) == {1, 2}
    label = contacts.label[walked.first :]
    assert figures(walked.rolling[0], label)[0] > 0.7
    rare = replace(contacts, label=np.where(np.arange(2000) % 40 == 0, 1, 0).astype(np.int8))
    with pytest.raises(DataPrerequisite, match="too few can be set aside"):
        walk(rare, replace(QUICK, settings=RESPONSE))


def test_a_column_that_tells_the_outcome_is_named():
    contacts = drawn()
    assert walk(contacts, QUICK).suspects == {}
    told = contacts.numeric.assign(seconds=contacts.label * 100.0)
    assert walk(replace(contacts, numeric=told), QUICK).suspects == {"seconds": 1.0}


def test_too_few_buyers_is_a_reason():
    contacts = drawn(400)
    none = Contacts(**{**vars(contacts), "label": np.zeros(400, dtype=np.int8)})
    with pytest.raises(DataPrerequisite, match="too few contacts: before the first judged one"):
        walk(none, QUICK)
