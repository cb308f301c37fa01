"""What is past its class's time goes, once; what stands until the next one, what is held, and what is young stays."""

from __future__ import annotations

import shutil
from argparse import Namespace
from datetime import date, timedelta

import pytest

from bankmart import db
from bankmart.governance import build as builds
from bankmart.governance.people import expiry, hold, hold_command
from bankmart.governance.people.erasure import requests
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.person import UnknownCustomer
from bankmart.sources.landing import folder

DAY = date(2026, 1, 31)
OLD = date(2014, 6, 30)  # transactions are kept for 10 years, calls for 5


def transactions(bank):
    return {number for (number,) in bank.rows("select transaction_id from sources.core_banking__transaction")}


@pytest.fixture
def aged(bank):
    """Old and young transactions and calls of both customers."""
    for number in ("1", "2"):
        bank.paid(f"T{number}", f"Y90{number}", OLD, OLD)
        bank.paid(f"Y{number}", f"Y90{number}", date(2016, 1, 31))
        for on in (date(2021, 1, 30), date(2021, 1, 31)):
            bank.insert("marts", "fct_interaction", customer_id=f"X90{number}", interaction_date=on, build_id=1)
    return bank


def test_rows_go_by_the_class_of_their_date_once_and_the_audit_counts_them(aged):
    told = expiry.run(DAY, dry=True)
    assert told.rows == {"sources.core_banking__transaction": 2, "marts.fct_interaction": 2}
    assert "2 rows from before 2016-01-31 would be removed" in told.text(done=False)
    assert transactions(aged) == {"T1", "T2", "Y1", "Y2"}
    assert expiry.run(DAY).rows == told.rows
    assert transactions(aged) == {"Y1", "Y2"}
    assert aged.rows("select min(interaction_date) from marts.fct_interaction") == [(date(2021, 1, 31),)]
    assert expiry.run(DAY).rows == {}
    assert aged.rows("select facts -> 'rows' from audit.entry where kind = 'retention'") == [(told.rows,)]


def test_what_stands_until_the_next_one_stays_until_then(bank):
    for on in (date(1999, 1, 1), date(2001, 1, 1), date(2002, 1, 1)):
        bank.raw("core_banking.balance", account_id="Y901", balance_date=on, balance_amount=5)
        bank.customer("X903", on, day=on)
    for action, on in (("granted", "2010-01-01 10:00+08"), ("withdrawn", "2011-01-01 10:00+08")):
        bank.raw("consent.consent_event", consent_event_id=action, customer_id="X901", purpose="marketing",
                 channel="all", action=action, occurred_at=on)  # fmt: skip
    expiry.run(DAY)
    # The balance and the record of 2002 are still true; the withdrawal still counts.
    assert bank.rows("select balance_date::text from sources.core_banking__balance") == [("2002-01-01",)]
    assert bank.rows("select effective_date::text from sources.core_banking__customer where customer_id = 'X903'") == [
        ("2002-01-01",)
    ]
    assert bank.rows("select action from sources.consent__consent_event") == [("withdrawn",)]


def test_a_hold_on_a_customer_or_a_table_keeps_what_is_past_its_time(aged, tmp_path):
    number = hold.add("customer", "X901", "case 17", "Li", DAY)
    place = folder(tmp_path / "landing", "core_banking", "transaction", OLD)
    place.mkdir(parents=True)
    expired = expiry.run(DAY)
    assert transactions(aged) == {"T1", "Y1", "Y2"}
    assert aged.rows("select count(*) from marts.fct_interaction where customer_id = 'X901'") == [(2,)]
    assert place.exists()
    assert "kept by legal hold 1 (case 17; by Li)" in expired.text()
    hold.end(number, "Wang")
    of_table = hold.add("table", "core_banking.transaction", "case 18", "Li", DAY)
    assert "nothing is removed: legal hold 2" in expiry.run(DAY).text()
    assert "T1" in transactions(aged)
    assert place.exists()
    hold.end(of_table, "Wang")
    expiry.run(DAY)
    assert transactions(aged) == {"Y1", "Y2"}
    assert not place.exists()
    assert aged.rows("select kind, actor from audit.entry where kind like 'hold%%' order by number") == [
        ("hold", "Li"), ("hold_end", "Wang"), ("hold", "Li"), ("hold_end", "Wang"),
    ]  # fmt: skip


def test_a_hold_that_is_over_or_not_yet_holds_nothing(aged):
    hold.add("customer", "X901", "over", "Li", date(2020, 1, 1), date(2020, 12, 31))
    hold.add("customer", "X902", "not yet", "Li", date.today() + timedelta(days=1))
    expiry.run(DAY)
    assert transactions(aged) == {"Y1", "Y2"}


@pytest.mark.parametrize("clock", [date(2026, 1, 20), date(2036, 1, 1)])
def test_a_wrong_clock_lifts_no_hold(aged, monkeypatch, capsys, clock):
    """Before the hold's first day or behind its last: the newest published date is between the two."""
    requests.decide(requests.request([("X901", "asks")], "li"), "wang", approve=True)
    hold.add("customer", "X901", "case 17", "Li", DAY - timedelta(days=1), DAY + timedelta(days=1))

    class Clock(date):
        @classmethod
        def today(cls):
            return clock

    for module in (hold, hold_command, expiry):
        monkeypatch.setattr(module, "date", Clock)
    expiry.run(DAY)
    assert transactions(aged) == {"T1", "Y1", "Y2"}
    assert "request 1 waits: legal hold 1 (case 17; by Li) forbids it" in erasure.run("ops").text()
    hold_command.run(Namespace(what="list"))
    assert "in force" in capsys.readouterr().out


def test_the_clock_alone_keeps_a_hold(aged):
    """Of a date that isn't published yet, and where none is published."""
    hold.add("customer", "X901", "case 17", "Li", date.today(), date.today())
    expiry.run(DAY)
    assert "T1" in transactions(aged)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("delete from governance.publication")
        assert [each.scope for each in hold.active(cursor)] == ["X901"]


def test_holds_that_make_no_sense_are_refused(bank):
    with pytest.raises(UnknownCustomer, match="no customer X909"):
        hold.add("customer", "X909", "case", "Li", DAY)
    with pytest.raises(hold.HoldError, match="no table card.coin"):
        hold.add("table", "card.coin", "case", "Li", DAY)
    with pytest.raises(hold.HoldError, match="needs a reason"):
        hold.add("customer", "X901", " ", "Li", DAY)
    with pytest.raises(hold.HoldError, match="before it begins"):
        hold.add("customer", "X901", "case", "Li", DAY, DAY - timedelta(days=1))
    with pytest.raises(hold.HoldError, match="no hold 7 in force"):
        hold.end(7, "Li")


def test_a_date_wrong_by_a_century_removes_nothing(aged):
    # A business date from the future is believed as far as the newest published one.
    assert expiry.run(date(2126, 1, 31), dry=True).rows == expiry.run(DAY, dry=True).rows
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("update governance.publication set business_date = '2126-01-31'")
    assert expiry.run(date(2126, 1, 31), dry=True).day == date.today()


def test_a_date_whose_deliveries_are_gone_is_not_built_again(aged):
    expiry.run(DAY)
    aged.insert("governance", "publication", business_date=date(2014, 6, 29), build_id=1)
    with pytest.raises(builds.BuildError, match="core_banking__transaction delivered before 2016-01-31"):
        builds.open_build(OLD, "again")


def test_landing_folders_and_quarantine_go_with_their_table(bank, tmp_path):
    places = [folder(tmp_path / "landing", "mobile", "session", day) for day in (date(2023, 1, 30), date(2023, 1, 31))]
    for place in places:
        place.mkdir(parents=True)
    for day in (date(2023, 1, 30), date(2023, 1, 31)):
        bank.insert("governance", "load", system="mobile", table_name="session", business_date=day, file_name="f",
                    status="refused")  # fmt: skip
        bank.insert("governance", "quarantine", load_id=1, system="mobile", table_name="session", business_date=day,
                    line_number=2, rule="type", reason="x", raw_text="y")  # fmt: skip
    assert expiry.run(DAY, dry=True).rows == {"governance.quarantine": 1}
    assert expiry.run(DAY).folders == places[:1]
    assert [place.exists() for place in places] == [False, True]
    assert bank.rows("select business_date from governance.quarantine") == [(date(2023, 1, 31),)]


COUNTED = "select facts -> 'landing_folders' from audit.entry where kind = 'retention' and facts ? 'landing_folders'"


@pytest.fixture
def old_folders(bank, tmp_path):
    """Three landing folders past their time."""
    places = [folder(tmp_path / "landing", "mobile", "session", date(2020, 1, day)) for day in (1, 2, 3)]
    for place in places:
        place.mkdir(parents=True)
        (place / "session.csv").touch()
    return places


def test_a_folder_that_cannot_be_removed_is_named_and_not_counted(bank, old_folders, monkeypatch, caplog):
    removing = shutil.rmtree

    def refused(place, ignore_errors=False):
        if place != old_folders[1]:
            removing(place)
        elif not ignore_errors:
            raise PermissionError(13, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refused)
        expired = expiry.run(DAY)
        assert expired.folders == [old_folders[0], old_folders[2]]
        assert "2 folders removed" in expired.text()
        said = "1 folders are past their time and can't be removed: mobile/session/2020-01-02 (Read-only file system)"
        assert expired.text().count("2020-01-02") == caplog.text.count("2020-01-02") == 1
        for text in (expired.text(), caplog.text):
            assert f"{said}. They are not counted. Run `bankmart retention` where" in text
        again = expiry.run(DAY)
        assert (again.folders, list(again.stuck)) == ([], ["mobile/session/2020-01-02"])
    assert [place.exists() for place in old_folders] == [False, True, False]
    assert bank.rows(COUNTED) == [(2,)]
    assert bank.rows("select count(*) from audit.entry where kind = 'retention_begun'") == [(1,)]
    assert expiry.run(DAY).folders == [old_folders[1]]
    assert bank.rows(COUNTED) == [(2,), (1,)]
    assert expiry.run(DAY).text() == f"nothing is past its time on {DAY}"


@pytest.mark.parametrize("place", ["expire.deleted", "expire.folder", "before the count"])
def test_killed_half_way_folders_go_with_the_next_run_and_are_counted_once(bank, old_folders, monkeypatch, place):
    removing = shutil.rmtree

    def removed(folder, **_):
        removing(folder)
        if place == "before the count" and folder == old_folders[2]:
            raise KeyboardInterrupt

    struck = []

    def strike(name):
        struck.append(name)
        if name == place and (name == "expire.deleted" or struck.count(name) == 2):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", removed)
        patch.setattr("bankmart.faults.point", strike)
        with pytest.raises(KeyboardInterrupt):
            expiry.run(DAY)
    assert bank.rows(COUNTED) == []
    assert expiry.run(DAY).folders == old_folders
    assert not any(each.exists() for each in old_folders)
    assert bank.rows(COUNTED) == [(3,)]
    assert bank.rows("select count(*) from governance.expired_folder") == [(0,)]


def test_a_landing_folder_that_is_away_counts_nothing(bank, old_folders, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            expiry.run(DAY)
    (tmp_path / "empty").mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("BANKMART_LANDING_DIR", str(tmp_path / "empty"))
        assert expiry.run(DAY).folders == []
    assert expiry.run(DAY).folders == old_folders
