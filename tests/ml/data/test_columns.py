"""A category in a spec: a column per level that the spec names; the unseen is scored, a wrong type refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from bankmart import db
from ml.data.scores import Target
from ml.errors import DataError, ModelError
from ml.spec import levels, load_spec, refuse_protected
from ml.techniques import technique

TODAY = date(2025, 10, 31)
CHANNELS = ("mobile", "branch")


def with_channels(bank, build, **update):
    """The column: of training, who churns uses the branch more often; of a daily build, what `update` says."""
    bank.execute("alter table features.ftr_customer add column if not exists main_channel text")
    bank.execute(
        "update features.ftr_customer f set main_channel = case when hashtext(f.customer_id) %% 10 = 0 then null"
        " when (l.is_churn and hashtext(f.customer_id) %% 3 <> 0) or hashtext(f.customer_id) %% 7 = 0 then 'branch'"
        " else 'mobile' end from features.lbl_churn l where l.build_id = f.build_id and l.customer_id = f.customer_id"
        " and l.as_of_date = f.as_of_date and f.build_id = %s",
        build,
    )
    for value, digit in update.items():
        bank.execute(
            "update features.ftr_customer set main_channel = nullif(%s, 'null') where build_id = %s"
            " and right(customer_id, 1) = %s",
            *(value, build, digit),
        )


def test_a_category_is_learnt_and_an_unseen_one_is_scored_as_none_of_its_levels(bank):
    spec = replace(load_spec("churn"), params={"num_boost_round": 60, "early_stopping_rounds": 20})
    spec = replace(spec, features=("session_count_30d", "complaint_count_90d", *levels("main_channel", *CHANNELS)))
    spec = replace(spec, baseline_columns=("session_count_30d",))
    with_channels(bank, bank.training())
    how = technique("binary")
    data = how.read(spec, TODAY, None)
    assert data.features[2:] == ("main_channel is mobile", "main_channel is branch")
    flags = data.columns(data.features[2:])
    assert set(np.unique(flags[~np.isnan(flags)])) == {0.0, 1.0}
    assert (np.isnan(flags).all(axis=1) == np.isnan(flags).any(axis=1)).all()
    with db.connect("scorer") as link:
        how.check(link, spec, data)
    model = how.train(spec, data, how.split(spec, data))
    assert (
        dict(zip(model.features, model.booster.feature_importance("gain"), strict=True))["main_channel is branch"] > 0
    )

    build = bank.daily(count=100)
    with_channels(bank, build, mobile="1", branch="2", 卫星="3", null="4")
    with db.connect("scorer") as link:
        chunks = list(how.scored(link, spec, model, Target(TODAY, build, "churn", "1", True, "r")))
    assert sum(len(chunk.scores) for chunk in chunks) == 100
    mobile, unseen = np.array([[5.0, 0.0, 1.0, 0.0], [5.0, 0.0, 0.0, 0.0]])
    assert np.isfinite(model.score(np.array([mobile, unseen]))).all()

    bank.execute("alter table features.ftr_customer drop column main_channel, add column main_channel integer")
    with db.connect("scorer") as link, pytest.raises(DataError, match=r"main_channel is mobile \(integer\)"):
        list(how.scored(link, spec, model, Target(TODAY, build, "churn", "1", True, "r")))


def test_a_protected_attribute_is_no_category_either():
    spec = load_spec("churn")
    with pytest.raises(ModelError, match="sex is F: a protected attribute"):
        refuse_protected(replace(spec, features=(*spec.features, *levels("sex", "F"))))
