from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from bankmart import db
from ml.errors import ModelError
from ml.judging.groups import read_groups
from ml.spec import load_spec, refuse_protected


def test_groups_are_of_the_date_and_the_build_and_a_customer_without_is_unknown(bank):
    bank.execute(
        "insert into features.ftr_group (as_of_date, build_id, customer_id, sex, region) values"
        " ('2025-01-31', 1, 'C1', 'F', 'east'), ('2025-02-28', 1, 'C1', 'F', 'west'),"
        " ('2025-01-31', 2, 'C1', 'F', 'north'), ('2025-01-31', 1, 'C2', null, 'east')"
    )
    days = np.array(
        [(date(2025, month, day) - date(1970, 1, 1)).days for month, day in ((1, 31), (2, 28), (1, 31), (1, 31))]
    )
    with db.connect("scorer") as link:
        found = read_groups(link, 1, np.array([b"C1", b"C1", b"C2", b"C9"]), days)
        assert found["region"].tolist() == ["east", "west", "east", "unknown"]
        assert found["sex"].tolist() == ["F", "F", "unknown", "unknown"]
    bank.execute("drop table features.ftr_group")
    with db.connect("scorer") as link:
        assert read_groups(link, 1, np.array([b"C1"]), days[:1]) == {}


@pytest.mark.parametrize("name", ["sex", "age_years", "is_age_unknown", "region_code", "birth_date"])
def test_a_protected_attribute_as_a_feature_is_refused(name):
    spec = load_spec("churn")
    with pytest.raises(ModelError, match=f"names {name}: a protected attribute is never a feature"):
        refuse_protected(replace(spec, features=(*spec.features, name)))
    with pytest.raises(ModelError, match="protected"):
        refuse_protected(replace(spec, baseline_columns=(name,)))


def test_words_that_only_look_protected_pass():
    spec = load_spec("churn")
    refuse_protected(replace(spec, features=("aum_average_amount_30d", "average_age_independent".replace("age_", ""))))
