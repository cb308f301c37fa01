from __future__ import annotations

import pandas as pd
import pytest

from bankmart.sources.simulate import SimulationConfig, simulate
from bankmart.sources.simulate.world.people import PLACEHOLDER, PLACEHOLDERS


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    root = tmp_path_factory.mktemp("identity")
    config = SimulationConfig(root / "l", root / "t", customers=2000, months=1, days=0)
    simulate(config)
    day = str(config.go_live)
    customers = pd.read_csv(root / "l/core_banking/customer" / day / "customer.csv", dtype=str).set_index("customer_id")
    accounts = pd.read_csv(root / "l/core_banking/account" / day / "account.csv", dtype=str)
    return customers, accounts, pd.read_parquet(root / "t/identity.parquet")


def test_the_truth_names_every_customer_and_a_few_are_a_person_met_before(bank):
    customers, accounts, identity = bank
    assert set(identity["customer_id"]) == set(customers.index)
    second = identity[identity["customer_id"] != identity["person_id"]]
    assert len(second) == 0.006 * 2000
    assert set(second["customer_id"]) <= set(accounts["customer_id"])
    again = customers.loc[second["customer_id"]].reset_index()
    first = customers.loc[second["person_id"]].reset_index()
    assert (again["open_date"] >= first["open_date"]).all()
    assert (again["branch_id"] != first["branch_id"]).all()


def test_duplicates_are_found_by_document_or_by_name_birth_date_and_mobile(bank):
    customers, _, identity = bank
    second = identity[identity["customer_id"] != identity["person_id"]]
    again = customers.loc[second["customer_id"]].reset_index()
    first = customers.loc[second["person_id"]].reset_index()
    same_document = (again["id_number"] == first["id_number"]) & (again["id_type"] == first["id_type"])
    person = ["name", "birth_date", "mobile"]
    same_person = (again[person] == first[person]).all(axis=1)
    assert (same_document | same_person).all()
    assert 0.3 < same_document.mean() < 0.7
    assert again.loc[~same_document, "id_number"].isna().any()


def test_a_placeholder_number_is_no_person(bank):
    customers, _, identity = bank
    shares = customers.index[customers["id_number"] == PLACEHOLDER]
    assert len(shares) == PLACEHOLDERS
    persons = identity.set_index("customer_id")["person_id"]
    assert (persons[shares] == shares).all()
    assert not persons[~persons.index.isin(shares)].isin(shares).any()
