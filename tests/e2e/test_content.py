"""Columns that hold what their class denies: found in a whole bank, and nothing else is taken for it."""

from __future__ import annotations

import dataclasses
import random
import time
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from psycopg2 import sql

from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance import gate
from bankmart.governance.masking import data_classes
from bankmart.governance.quality import content, likeness
from bankmart.governance.quality.likeness import KINDS
from bankmart.sources.simulate.world import names
from bankmart.text import table

SHARES = (1.0, 0.3, 0.05)
DISTRICTS = (110101, 310104, 440305, 510104)


@pytest.fixture(scope="module")
def planted():
    """By kind, values as other programs would deliver them."""
    rng, count = np.random.default_rng(20), content.SAMPLE
    mobiles = names.mobiles(rng, count)
    cards = list(map(str, names.luhn(rng.integers(622_000_000_000_000, 623_000_000_000_000, count))))
    ids = names.id_numbers(rng, rng.choice(DISTRICTS, count), rng.integers(-9000, 12000, count),
                           rng.integers(0, 2, count), set())  # fmt: skip
    return {
        "ID numbers": list(ids),
        "card numbers": cards,
        "mobile numbers": list(mobiles),
        "card track data": [f";{card}=2912{service}0000?" for card in cards for service in (201, 120)][:count],
        "card track data without sentinels": [f"{card}=29122010000" for card in cards],
        "mail addresses": [each for each in names.emails(rng, mobiles) if each],
        "names of persons": list(names.full_names(rng, rng.random(count) < 0.5)),
    }  # fmt: skip


@pytest.fixture
def clean(line):
    """Of every text column of the bank that might be planted in: its own values, as the check sees them."""
    found = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        for layer in ("staging", "marts"):
            for column in content.columns(layer):
                cursor.execute(
                    sql.SQL("select {} from {} limit %s").format(
                        sql.Identifier(column.name), sql.Identifier(*column.relation.split(".", 1))
                    ),
                    (content.SAMPLE,),
                )
                found[column] = [value for (value,) in cursor.fetchall()]
    return found


def ask(statement, *bound, role="platform"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, bound or None)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def test_planted_columns_are_found_and_a_clean_bank_is_left_in_peace(clean, planted, capsys):
    rng, tried, hit, alarms = random.Random(5), Counter(), Counter(), []
    for column, values in clean.items():
        alarms += [(column.relation, column.name, one.kind.name, one.share)
                   for one in likeness.of_values(values, column.kinds)]  # fmt: skip
        for kind in column.kinds:
            for share in SHARES if kind.stops is not None else SHARES[:1]:
                at = [place for place, value in enumerate(values) if value and rng.random() < share]
                if len(at) < max(likeness.FEW, kind.distinct):
                    continue
                mixed = list(values)
                for place in at:
                    mixed[place] = rng.choice(planted[kind.name])
                tried[kind.name, share] += 1
                hit[kind.name, share] += kind in [one.kind for one in likeness.of_values(mixed, column.kinds)]
    with capsys.disabled():
        rows = [[kind, f"{share:.0%}", count, hit[kind, share]] for (kind, share), count in sorted(tried.items())]
        print(f"\n{table(['planted', 'of the values', 'columns', 'found'], rows)}")
        print(f"false alarms: {len(alarms)} of {len(clean)} columns that hold none of it {alarms or ''}")
    assert len(clean) > 100
    assert sum(tried.values()) > 500
    # Few cards in a short column of other long numbers can't be told from chance.
    assert sum(hit.values()) >= 0.99 * sum(tried.values())
    assert all(hit[each] >= 0.95 * count for each, count in tried.items())
    assert len(alarms) <= 0.01 * len(clean)


@pytest.mark.parametrize(
    ("numbers", "allowed"),
    [((10**10, 10**11), "mobile"), ((10**10, 2 * 10**10), "mobile"), ((10**15, 10**16), "card"),
     ((6222 * 10**12, 6223 * 10**12), "card"), ((10**17, 10**18), "ID")],
)  # fmt: skip
def test_other_numbers_of_the_same_length_are_other_numbers(numbers, allowed):
    rng = np.random.default_rng(3)
    assert not likeness.of_values([str(each) for each in rng.integers(*numbers, content.SAMPLE)]), allowed


def test_values_are_found_as_people_type_them(planted):
    def kinds(values):
        return [one.kind.name for one in likeness.of_values(values)]

    cards = planted["card numbers"]
    assert kinds([" ".join(each[at : at + 4] for at in range(0, 16, 4)) for each in cards]) == ["card numbers"]
    assert kinds([f"+86 {each}" for each in planted["mobile numbers"]]) == ["mobile numbers"]
    assert kinds([each.lower() for each in planted["ID numbers"]]) == ["ID numbers"]
    assert kinds([f"请回电{each}，谢谢" if at % 20 else "无" for at, each in enumerate(planted["mobile numbers"])])
    assert kinds([None, "", *["无"] * 50]) == []
    assert kinds(["张三丰"] * 500) == [], "one word, however often, is no list of persons"


def test_a_red_gate_names_the_column_and_shows_no_value(line, planted):
    """The column of products' names is delivered with mobiles in it: the staging gate stops, until it is mended."""
    column = ("sources.core_banking__product", "name")
    day_of = line.dates[1]
    before = ask("select product_id, name from sources.core_banking__product where business_date = %s", day_of)
    build = builds.open_build(day_of, "content")
    # As on its thirtieth date.
    ask("delete from governance.content_look where (table_name, column_name) = %s", column)
    try:
        for (key, _), mobile in zip(before, planted["mobile numbers"], strict=False):
            ask("update sources.core_banking__product set name = %s where product_id = %s"
                " and business_date = %s", mobile, key, day_of, role="loader")  # fmt: skip
        dbt.build_layer("staging", build)
        with pytest.raises(gate.GateStopped) as stopped:
            gate.judge("staging", build)
        said = str(stopped.value)
        assert f"{'.'.join(column)} (class reference) seems to hold mobile numbers in 100% of the values" in said
        assert "Give the column class contact.mobile" in said
        assert "docs/runbook.md#a-column-holds-what-its-class-denies" in said
        assert "1***" in said
        assert not any(mobile in said for mobile in planted["mobile numbers"])
        kept = ask(
            "select data_class, finding from governance.content_look where (table_name, column_name) = %s", column
        )
        assert len(kept) == 1
        assert "mobile numbers" in kept[0][1]
    finally:
        for key, name in before:
            ask("update sources.core_banking__product set name = %s where product_id = %s"
                " and business_date = %s", name, key, day_of, role="loader")  # fmt: skip
    build = builds.writable(build.build_id)
    dbt.build_layer("staging", build)
    gate.judge("staging", build)
    assert ask("select finding from governance.content_look where (table_name, column_name) = %s", column) == [(None,)]
    builds.finish(build.build_id, "failed")


def test_what_was_looked_at_is_left_alone_for_a_while(line):
    build = builds.get(ask("select max(build_id) from governance.publication")[0][0])
    looked = Counter()
    for column in content.columns("staging"):
        for days in range(content.EVERY):
            later = dataclasses.replace(build, business_date=build.business_date + timedelta(days))
            looked[column] += content._is_due(column, (column.data_class, False), later)
        assert content._is_due(column, None, build)
        assert content._is_due(column, ("another.class", False), build)
        assert content._is_due(column, (column.data_class, True), build)
    assert set(looked.values()) == {1}


def test_a_month_of_dates_costs_little_each(line, capsys, monkeypatch):
    """Prints what a date pays, of the largest delivery that there is; speed is not asserted."""
    build = builds.get(ask("select min(build_id) from governance.publication")[0][0])
    seconds, before, due = [], time.process_time(), content._is_due
    for days in range(content.EVERY):
        later = dataclasses.replace(build, business_date=build.business_date + timedelta(days))
        monkeypatch.setattr(content, "_is_due", lambda column, known, _, later=later: due(column, known, later))
        started = time.perf_counter()
        for layer in ("staging", "marts"):
            content.check(build, layer)
        seconds.append(time.perf_counter() - started)
    with capsys.disabled():
        own = (time.process_time() - before) / content.EVERY
        print(f"\na date's look: {sum(seconds) / content.EVERY:.3f} s on average, {max(seconds):.3f} s at most,")
        print(f"{own:.3f} s of them this process's own")


def test_kinds_name_classes_that_there_are():
    assert all(kind.data_class in data_classes() for kind in KINDS)
