"""Sums of states and of slices that add up agree with what was delivered, to the cent, however late a version came."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.quality import reconcile
from bankmart.sources import contract, tables

BEFORE, DAY = date(2026, 11, 1), date(2026, 11, 2)


def run(role, statement, *values):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def delivered(table, day, stated, rows, statement):
    """Rows of a load, in the ledger and in the raw table."""
    system, _, name = table.partition(".")
    ((load,),) = run(
        "loader",
        "insert into governance.load (system, table_name, business_date, file_name, status, control_totals, read_count,"
        " accepted_count) values (%s, %s, %s, 'x', 'loaded', %s::jsonb, %s, %s) returning load_id",
        system, name, day, stated, len(rows), len(rows),
    )  # fmt: skip
    for row in rows:
        run("loader", statement, *row, day, load)


LOAN = (
    "insert into sources.loan__contract (contract_id, account_id, customer_id, product_id, start_date,"
    " principal_amount, term_months, payment_amount, status, effective_date, business_date, load_id)"
    " values (%s, 'A', 'C', 'P', '2026-01-01', %s, 12, 1, 'running', %s, %s, %s)"
)
DUE = (
    "insert into sources.loan__repayment (repayment_id, contract_id, due_date, due_amount, paid_amount, business_date,"
    " load_id) values (%s, 'L1', '2026-11-01', %s, 0, %s, %s)"
)


@pytest.fixture
def loans(warehouse):
    """L2's newest version came the day before; R1's instalment, too, and is delivered again with a correction."""
    tables.create_tables(list(contract.load()["loan"].values()))
    delivered("loan.contract", BEFORE, '{"principal_amount": "7.00"}', [("L2", "7.00", "2026-11-01")], LOAN)
    delivered("loan.repayment", BEFORE, '{"due_amount": "3.00"}', [("R1", "3.00")], DUE)
    today = [("L1", "10.01", "2026-11-02"), ("L2", "5.00", "2026-10-01")]
    delivered("loan.contract", DAY, '{"principal_amount": "15.01"}', today, LOAN)
    delivered("loan.repayment", DAY, '{"due_amount": "6.50"}', [("R1", "3.50"), ("R2", "3.00")], DUE)
    builds = [
        run("platform", "insert into governance.build (business_date, kind, status) values (%s, 'daily', %s)"
            " returning build_id", day, status)[0][0]
        for day, status in ((BEFORE, "published"), (DAY, "building"))
    ]  # fmt: skip
    run("platform", "insert into governance.publication values (%s, %s)", BEFORE, builds[0])
    run(
        "platform",
        "create table marts.dim_loan (contract_id text, principal_amount numeric(18, 2), build_id bigint);"
        "create table marts.fct_repayment (repayment_id text, due_amount numeric(18, 2), build_id bigint);"
        "insert into marts.dim_loan values ('L2', 7, %s), ('L2', 7, %s), ('L1', 10.01, %s);"
        "insert into marts.fct_repayment values ('R1', 3, %s), ('R1', 0.5, %s), ('R2', 3, %s)",
        builds[0], builds[1], builds[1], builds[0], builds[1], builds[1],
    )  # fmt: skip
    return Build(builds[1], DAY, "daily", builds[1], (DAY,), ("loan.contract", "loan.repayment"))


def said(build):
    return {node.name.removeprefix("reconcile_loan__"): (node.status, node.message) for node in reconcile.check(build)}


def test_states_and_added_slices_agree(loans):
    assert said(loans) == {
        "contract_principal_amount": ("pass", "15.01 stated, loaded and in the mart"),
        "repayment_due_amount": ("pass", "6.50 stated, loaded and in the mart"),
    }


@pytest.mark.parametrize(
    ("wrong", "name", "says"),
    [
        ("update marts.dim_loan set principal_amount = 10 where contract_id = 'L1'", "contract_principal_amount",
         "marts.dim_loan has 15.00 in 2 rows, loaded were 15.01 in 2"),
        ("delete from marts.dim_loan where contract_id = 'L1'", "contract_principal_amount",
         "marts.dim_loan has 5.00 in 1 rows, loaded were 15.01 in 2"),
        ("update marts.fct_repayment set due_amount = 3.5 where due_amount = 0.5", "repayment_due_amount",
         "marts.fct_repayment has 9.50 in 2 rows, loaded were 6.50 in 2"),
        ("delete from marts.fct_repayment where repayment_id = 'R2'", "repayment_due_amount",
         "marts.fct_repayment has 3.50 in 1 rows, loaded were 6.50 in 2"),
    ],
)  # fmt: skip
def test_a_mart_that_differs_stops(loans, wrong, name, says):
    run("platform", wrong)
    assert said(loans)[name] == ("fail", says)
