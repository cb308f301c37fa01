"""A small dbt project of the tests' own, with the real macros, and tags as the registry has them."""

from __future__ import annotations

import shutil
from datetime import date

import pytest
import yaml

from bankmart import db, settings
from bankmart.governance.build import Build
from bankmart.governance.tags.registry import Tag

REAL = settings.ROOT
PLATFORM = "config: {meta: {class: platform, zh: 平台}}"


def tag(key="aum_tier", version=1, column=None, **changes):
    """A live tag without anything wrong."""
    said = {
        "key": key, "version": version, "column": column or key, "model": "tag_value", "relation": "tags.tag_value",
        "subject": "value", "kind": "rule", "zh": "资产层级", "en": "Tier.", "data_type": "text",
        "values": ("low", "high"), "default": "low", "owner": "marketing", "data_class": "derived.tag",
        "refresh": "daily", "review_date": date(2027, 6, 30), "status": "live", "end_date": None, "sources": (),
        "file": "dbt_project/models/tags/value/tag_value.yml",
        "sql_file": "dbt_project/models/tags/value/tag_value.sql", "line": 15,
    }  # fmt: skip
    return Tag(**(said | changes))


@pytest.fixture
def make_tag():
    return tag


class Project:
    """Tag models over tables that the test fills; each build is of one day, numbered from 1."""

    def __init__(self, root):
        self.root, self.folder = root, root / "dbt_project"

    def write_tag(self, name, columns):
        """`columns`: tag → its SQL over tags_input.customer (customer_id, day, a, b)."""
        room = self.folder / "models/tags/value"
        room.mkdir(parents=True, exist_ok=True)
        selected = "".join(f"    {expression} as {column},\n" for column, expression in columns.items())
        (room / f"{name}.sql").write_text(
            "select\n    customer_id,\n" + selected + "    {{ build_columns() }}\nfrom tags_input.customer\n"
            "where day = {{ business_date() }}\n"
        )
        lines = "".join(
            f"      - {{name: {column}, data_type: text, description: D., config: {{meta: {{class: derived.tag,"
            f" kind: rule, subject: value, values: [low, high], default: low, refresh: daily, status: live, version: 1,"
            f" review_date: 2027-06-30, zh: 标签}}}}}}\n"
            for column in columns
        )
        (room / f"{name}.yml").write_text(
            f"version: 2\nmodels:\n  - name: {name}\n    description: D.\n"
            "    config: {contract: {enforced: true}, meta: {owner: marketing, zh: 标签}}\n"
            "    constraints: [{type: primary_key, columns: [customer_id, build_id]}]\n"
            "    columns:\n      - {name: customer_id, data_type: text, description: D.}\n" + lines
            + f"      - {{name: business_date, data_type: date, description: D., {PLATFORM}}}\n"
            f"      - {{name: build_id, data_type: bigint, description: D., {PLATFORM}}}\n"
        )  # fmt: skip

    def write_history(self, *models):
        """The real history models, waiting for these tag models."""
        room = self.folder / "models/profile/history"
        shutil.copytree(REAL / "dbt_project/models/profile/history", room, dirs_exist_ok=True)
        file = room / "tag_change.sql"
        kept = [line for line in file.read_text().splitlines() if not line.startswith("-- depends_on")]
        waits = [f"-- depends_on: {{{{ ref('{name}') }}}}" for name in models]
        file.write_text("\n".join([*waits, *kept]) + "\n")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty dbt project with the real configuration and macros, in the checkout's place."""
    folder = tmp_path / "dbt_project"
    folder.mkdir()
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(REAL / "dbt_project" / name, folder)
    shutil.copytree(REAL / "dbt_project/macros", folder / "macros")
    # Configuration of layers that this project doesn't have would be unused, which is an error.
    file = folder / "dbt_project.yml"
    settled = yaml.safe_load(file.read_text(encoding="utf-8"))
    kept = {name: value for name, value in settled["models"]["bankmart"].items() if name.startswith("+")}
    settled["models"]["bankmart"] = kept | {"tags": {"+schema": "tags"}}
    file.write_text(yaml.safe_dump({name: settled[name] for name in settled if name not in ("seeds", "data_tests")}))
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    return Project(tmp_path)


def open_day(number, day, previous=None, publish=False):
    """A build of a day in the tables, and what dbt has to know of it; `previous`: the day before and its build."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'building')"
            " returning build_id",
            (day,),
        )
        (build_id,) = db.one(cursor)
    assert build_id == number
    before = previous or (0, None)
    return Build(build_id, day, "daily", build_id, (day,), (), before[0], before[1])


def publish(build):
    """Readers see the build."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.publication (business_date, build_id) values (%s, %s)"
            " on conflict (business_date) do update set build_id = excluded.build_id",
            (build.business_date, build.build_id),
        )


@pytest.fixture
def days():
    return open_day, publish
