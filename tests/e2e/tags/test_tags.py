"""Tags against the delivered files: pandas knows nothing of the SQL, and judges customer by customer as it does."""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pandas as pd
import psycopg2
import pytest
from psycopg2.extras import execute_values

from bankmart import db, settings
from bankmart.governance.tags.trial import compile_model, newest_build
from bankmart.runtime import provision
from bankmart.sources import landing

DEPOSITS = ["current", "savings", "term_deposit"]


def query(statement, values=None):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


class Bank:
    """What was delivered up to the second date, as pandas sees it; events by person, with their age in days."""

    def __init__(self, line):
        self.days = line.dates[:2]
        self.as_of = pd.Timestamp(line.dates[1])
        # Whom the bank takes for one person is tested elsewhere.
        self.linked = dict(
            query(
                "select customer_id, linked_customer_id from marts.bridge_identity where build_id ="
                " (select build_id from governance.publication where business_date = %s)",
                (line.dates[1],),
            )
        )

    def rows(self, system, table):
        frames = []
        for day in self.days:
            folder = landing.folder(settings.landing_dir(), system, table, day)
            if not (folder / landing.MANIFEST).exists():
                continue
            says = json.loads((folder / landing.MANIFEST).read_text(encoding="utf-8"))
            for path in folder.glob("*.csv"):
                form = {"sep": says.get("delimiter") or ",", "encoding": says.get("encoding") or "utf-8"}
                frames.append(pd.read_csv(path, dtype=str, **form))
        found = pd.concat(frames, ignore_index=True)
        return self.by_person(found) if "customer_id" in found and table != "customer" else found

    def by_person(self, found):
        return found.assign(customer_id=found["customer_id"].replace(self.linked))

    def events(self, system, table, on, window):
        found = self.rows(system, table)
        return self.aged(found, on, window)

    def aged(self, found, on, window):
        age = (self.as_of - pd.to_datetime(found[on].str[:10])).dt.days
        return found.assign(age=age)[(age >= 0) & (age < window)]

    def customers(self):
        """The newest record of each person, absorbed numbers left out, by customer number."""
        found = self.rows("core_banking", "customer").drop_duplicates("customer_id", keep="last")
        return found[~found["customer_id"].isin(self.linked)].set_index("customer_id")

    def accounts(self):
        accounts = self.rows("core_banking", "account").drop_duplicates("account_id", keep="last")
        products = self.rows("core_banking", "product").drop_duplicates("product_id", keep="last")
        return accounts.merge(products[["product_id", "product_line"]], on="product_id")

    def booked(self, window):
        owner = self.accounts()[["account_id", "customer_id"]]
        booked = self.rows("core_banking", "transaction").merge(owner, on="account_id")
        return self.aged(booked.assign(amount=booked["amount"].astype(float)), "transaction_date", window)


def banded(values, limits, names):
    """Each number's band: the limit belongs to the upper one."""
    return pd.cut(values, [-float("inf"), *limits, float("inf")], right=False, labels=names).astype(object)


def years(bank):
    born = pd.to_datetime(bank.customers()["birth_date"])
    before = [(at.month, at.day) > (bank.as_of.month, bank.as_of.day) for at in born]
    return bank.as_of.year - born.dt.year - pd.Series(before, index=born.index).astype(int)


def age_band(bank):
    return banded(years(bank), [18, 30, 45, 60], ["under_18", "18_29", "30_44", "45_59", "60_plus"]), "unknown"


def assets(bank):
    lines = bank.accounts().set_index("account_id")
    balances = bank.rows("core_banking", "balance").sort_values("balance_date", kind="stable")
    balances = balances.drop_duplicates("account_id", keep="last").join(lines, on="account_id")
    deposits = balances[balances["product_line"].isin(DEPOSITS)]
    positions = bank.rows("wealth", "position").sort_values("position_date", kind="stable")
    positions = positions.drop_duplicates(["customer_id", "product_id"], keep="last")
    parts = [
        deposits["balance_amount"].astype(float).groupby(deposits["customer_id"]).sum(),
        positions["market_value_amount"].astype(float).groupby(positions["customer_id"]).sum(),
    ]
    whole = pd.concat(parts).groupby(level=0).sum().round(2)
    return whole.reindex(bank.customers().index, fill_value=0.0)


def aum_tier(bank):
    tiers = ["none", "basic", "silver", "gold", "platinum"]
    return banded(assets(bank), [1000, 50000, 200000, 1000000], tiers), "none"


def tenths(values):
    """The lowest tenth is 1; what can't be divided by ten goes to the lowest, ties go by customer number."""
    ordered = values.sort_index().sort_values(kind="stable").index
    return pd.Series({who: tenth for tenth, part in enumerate(np.array_split(ordered, 10), 1) for who in part})


def aum_decile_v2(bank):
    """Nobody without assets takes a place in the tenths of those who have any."""
    whole = assets(bank)
    return tenths(whole[whole > 0]), None


def aum_among_peers(bank):
    logarithm = np.log(assets(bank).clip(lower=1))
    peers = logarithm.groupby(years(bank) // 10)
    deviation = (logarithm - peers.transform("mean")) / peers.transform("std", ddof=0).replace(0, float("nan"))
    names = ["far_below", "below", "usual", "above", "far_above"]
    assert not any((deviation.abs() - limit).abs().lt(1e-9).any() for limit in (0.5, 1.5)), "nobody is on a limit"
    return banded(deviation, [-1.5, -0.5, 0.5, 1.5], names), "unknown"


def has_term_deposit(bank):
    accounts = bank.accounts()
    accounts = accounts[(accounts["product_line"] == "term_deposit") & (accounts["status"] != "closed")]
    return accounts.groupby("customer_id").size() > 0, False


def salary_band(bank):
    booked = bank.booked(90)
    salary = booked[(booked["direction"] == "in") & booked["purpose"].isin(["salary", "pension"])]
    sums = salary.groupby("customer_id")["amount"].sum().round(2)
    return banded(sums, [0.01, 15000, 30000, 60000], ["none", "low", "middle", "upper", "high"]), "none"


def main_channel(bank):
    booked = bank.booked(90).replace({"channel": {"pos": "card"}})
    order = ["mobile", "card", "web", "atm", "branch"]
    counts = booked[booked["channel"].isin(order)].groupby(["customer_id", "channel"]).size().unstack(fill_value=0)
    return counts.reindex(columns=order, fill_value=0).idxmax(axis=1), "none"


def last_transaction(bank):
    ages = bank.booked(180).groupby("customer_id")["age"].min()
    return banded(ages, [7, 30, 90], ["within_7d", "within_30d", "within_90d", "within_180d"]), "none"


def birthday_soon(bank):
    week = {((bank.as_of + pd.Timedelta(days=ahead)).month, (bank.as_of + pd.Timedelta(days=ahead)).day)
            for ahead in range(8)}  # fmt: skip
    born = pd.to_datetime(bank.customers()["birth_date"])
    return born.map(lambda at: (at.month, at.day) in week), False


def salary_state(bank):
    booked = bank.booked(61)
    salary = booked[(booked["direction"] == "in") & booked["purpose"].isin(["salary", "pension"])]
    ages = salary.groupby("customer_id")["age"].min()
    return banded(ages, [4, 28, 34], ["arrived", "between", "due", "late"]), "none"


def risk_appetite(bank):
    assessed = bank.rows("wealth", "risk_assessment")
    assessed = assessed[pd.to_datetime(assessed["assessed_date"]) <= bank.as_of]
    assessed = assessed.sort_values(["assessed_date", "risk_level"], ascending=[True, False])
    return "c" + assessed.groupby("customer_id")["risk_level"].last(), "unassessed"


def responsiveness(bank):
    contacts = bank.events("campaign", "contact", "contacted_at", 365)
    contacted = set(contacts.loc[contacts["treatment"] != "control", "customer_id"])
    answers = bank.events("campaign", "response", "occurred_at", 365).groupby("customer_id")["response_type"].agg(set)

    def judge(customer):
        answer = answers.get(customer, set())
        best = [name for name, kinds in
                (("bought", {"bought"}), ("engaged", {"clicked", "replied"}), ("opened", {"opened"}))
                if answer & kinds]  # fmt: skip
        return [*best, "silent"][0]

    return pd.Series({customer: judge(customer) for customer in contacted}), "never_contacted"


def may_contact_by_sms(bank):
    words = bank.rows("consent", "consent_event")
    words = words[(words["purpose"] == "marketing") & words["channel"].isin(["sms", "all"])]
    words = words.sort_values(["occurred_at", "action"])
    return words.groupby("customer_id")["action"].last() == "granted", False


def service_state(bank):
    calls = bank.events("contact_centre", "call", "started_at", 90).query("direction == 'in'")
    complaints = bank.events("contact_centre", "complaint", "opened_at", 90)
    found = pd.Series("served", index=calls["customer_id"].unique())
    unresolved = calls[calls["is_resolved"].str.lower() == "false"]
    found[unresolved["customer_id"].unique()] = "unresolved"
    complained = pd.Series("complained", index=complaints["customer_id"].unique())
    return complained.combine_first(found), "quiet"


TAGS = [
    age_band, aum_tier, aum_decile_v2, aum_among_peers, has_term_deposit, salary_band, main_channel, last_transaction,
    birthday_soon, salary_state, risk_appetite, responsiveness, may_contact_by_sms, service_state,
]  # fmt: skip


@pytest.mark.parametrize("compute", TAGS, ids=lambda compute: compute.__name__)
def test_a_tag_agrees_with_pandas(line, compute):
    bank = Bank(line)
    found, default = compute(bank)
    expected = found.reindex(bank.customers().index).astype(object)
    expected = expected.where(expected.notna(), default).to_dict()
    got = dict(query(f"select customer_id, {compute.__name__} from published.customer_360"))
    assert got == expected


def computed(model, columns, change, values):
    """Customer → what a model makes of the newest build after a change, which is taken back."""
    compiled = compile_model(model, newest_build())
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        execute_values(cursor, change, values)
        cursor.execute(f"select customer_id, {', '.join(columns)} from ({compiled}) as made")  # noqa: S608
        return {customer: dict(zip(columns, found, strict=True)) for customer, *found in cursor.fetchall()}


def test_tenths_are_of_those_who_have_any(line):
    """Everybody of the small bank has assets: taken from half of them, the other half are ten tenths still."""
    whole = assets(Bank(line))
    poor = sorted(whole.index)[::2]
    change = "update tags.ind_all as held set aum_amount = 0 from (values %s) as gone (who, build) "
    change += "where held.customer_id = gone.who and held.build_id = gone.build"
    got = computed(
        "tag_value_rank", ["aum_decile_v2"], change, [(customer, newest_build().build_id) for customer in poor]
    )
    rich = whole.drop(poor)
    expected = dict.fromkeys(poor) | tenths(rich[rich > 0]).to_dict()
    assert {customer: found["aum_decile_v2"] for customer, found in got.items()} == expected
    assert set(expected.values()) == {None, *range(1, 11)}


def test_tags_of_scores_agree_with_pandas(line):
    """A champion's scores of some customers, beside a challenger's and another model's; written and taken back."""
    bank, build = Bank(line), newest_build()
    assert build.business_date == line.dates[1]
    who = sorted(bank.customers().index)[20:]
    score = pd.Series({customer: place * 37 % 101 / 100 for place, customer in enumerate(who)})
    band = banded(score, [0.3, 0.7], ["low", "medium", "high"])
    whole, (tier, _) = assets(bank), aum_tier(bank)
    against = score / score.groupby(tier).transform("mean")
    expected = pd.DataFrame({
        "churn_risk": band, "churn_decile": tenths(score),
        "churn_among_tier": banded(against, [0.5, 1.5], ["below", "usual", "above"]),
        "churn_loss": banded(score * whole[who], [1000, 10000], ["small", "middle", "large"]),
    }).reindex(bank.customers().index)  # fmt: skip
    rows = [
        (build.business_date, build.build_id, model, version, customer, value, each, is_champion, "run")
        for model, version, is_champion in (("churn", "1", True), ("churn", "2", False), ("value_up", "1", True))
        for customer, value, each in zip(who, score if is_champion else 1 - score, band, strict=True)
    ]
    change = (
        "insert into scores.customer_score (as_of_date, build_id, model, model_version, customer_id, score, band,"
        " is_champion, mlflow_run_id) values %s"
    )
    got = computed("tag_model", list(expected), change, rows)
    for name, values in expected.items():
        default = None if name == "churn_decile" else "unscored"
        filled = values.astype(object).where(values.notna(), default).to_dict()
        assert {customer: found[name] for customer, found in got.items()} == filled, name
    assert set(band) == {"low", "medium", "high"}
