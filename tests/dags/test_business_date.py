"""Whatever somebody types for a run's business date, a date comes of it or an error that says what to type."""

import json
import subprocess
import sys

import pytest

from bankmart import settings

HOSTILE = [
    "2026-10-31", "2026-", "-10", "31", "0", "'", '"', ";", "--", "drop table marts.dim_customer", "' or '1'='1",
    "{{ var.value.key }}", "{% for a in b %}", "${HOME}", "$(id)", "`id`", "../../secrets.json", "\x00", "\n", "\r",
    "\\.", "\u202e", "٢٠٢٦", "\ud83d", "=cmd|' /C calc'!A0", "T00:00:00", "W44-6", "%s", "%(day)s", " ", "9" * 400,
]  # fmt: skip
TYPED = """
import json, random, sys
from datetime import date
from airflow.sdk.exceptions import AirflowFailException
from bankmart import runs
hostile, count = json.loads(sys.argv[1]), int(sys.argv[2])
chance = random.Random(20261031)
dates, refused = [], []
for _ in range(count):
    typed = "".join(chance.choices(hostile, k=chance.randint(1, 5)))
    field, key = (typed, None) if chance.random() < 0.5 else (None, typed)
    try:
        made = runs.business_date({"params": {"business_date": field}, "partition_key": key})
        assert type(made) is date
        dates.append((typed, made.isoformat()))
    except AirflowFailException as error:
        refused.append(str(error))
print(json.dumps({"dates": dates, "refused": refused}))
"""


@pytest.fixture(scope="module")
def outcome(environment, tmp_path_factory):
    # In a process of its own: Airflow makes files in its home when it is imported.
    command = [sys.executable, "-c", TYPED, json.dumps(HOSTILE), "10000"]
    home = tmp_path_factory.mktemp("airflow")
    done = subprocess.run(
        command, env=environment(home), cwd=settings.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_ten_thousand_typed_dates_are_dates_or_refused(outcome):
    assert len(outcome["dates"]) + len(outcome["refused"]) == 10_000
    assert {made for _, made in outcome["dates"]} == {"2026-10-31"}
    assert {typed for typed, _ in outcome["dates"]} <= {"2026-10-31", "2026-W44-6"}


def test_a_refused_date_can_forge_no_line_of_the_log_and_says_what_to_type(outcome):
    assert outcome["refused"]
    for said in outcome["refused"]:
        assert said.splitlines() == [said]
        assert said.isprintable()
        assert "such as 2026-10-31" in said
