from __future__ import annotations

import pandas as pd
import pytest

WEIGHTS = [2 ** (17 - place) % 11 for place in range(17)]


@pytest.fixture
def people(whole):
    return whole("core_banking__customer").drop_duplicates("customer_id")


def test_id_numbers_carry_district_birth_date_sex_and_check_digit(people, read, days):
    citizens = people[(people["id_type"] == "id_card") & people["id_number"].notna()]
    assert len(citizens) > 0.9 * len(people)
    numbers = citizens["id_number"]
    assert numbers.str.fullmatch(r"\d{17}[\dX]").all()
    assert set(numbers.str[:6]) <= set(read("external__district", days[0])["district_id"])
    assert (numbers.str[6:14] == citizens["birth_date"].str.replace("-", "")).all()
    assert ((numbers.str[16].astype(int) % 2 == 1) == (citizens["sex"] == "M")).all()
    # ISO 7064 MOD 11-2: the weighted sum with the check character leaves 1.
    check = [
        (
            sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
            + "0123456789X".index(number[17])
        )
        % 11
        for number in numbers
    ]
    assert set(check) == {1}


def test_mobiles_look_real_and_some_are_missing(people):
    assert people["mobile"].dropna().str.fullmatch(r"1[3-9]\d{9}").all()
    assert people["mobile"].isna().mean() < 0.05
    assert people["email"].dropna().str.contains("@example.").all()


def test_everyone_was_of_age_on_joining(people):
    age = (pd.to_datetime(people["open_date"]) - pd.to_datetime(people["birth_date"])).dt.days / 365.25
    assert age.min() >= 18
    assert age.max() < 95


def test_a_few_people_are_two_customers(bank, people):
    truth = pd.read_parquet(bank.truth / "customer.parquet").dropna(subset="same_person_as")
    pairs = truth.merge(people, on="customer_id").merge(
        people, left_on="same_person_as", right_on="customer_id", suffixes=("", "_other")
    )
    assert len(pairs) == len(truth) >= 2
    same_number = pairs["id_number"] == pairs["id_number_other"]
    same_person = (pairs["name"] == pairs["name_other"]) & (pairs["birth_date"] == pairs["birth_date_other"])
    assert same_number.fillna(False).any()
    assert same_person.all()
    # Nobody else shares a number.
    shared = people["id_number"].dropna().duplicated().sum()
    assert shared == same_number.fillna(False).sum()


def test_some_forms_are_untidy(people):
    assert people["address"].str.contains("\u3000").any()
    assert people["education"].isna().any()
