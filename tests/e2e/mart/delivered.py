"""What tests of marts compare: the delivered files as pandas reads them, and the rows that count."""

from __future__ import annotations

import json

import pandas as pd

from bankmart import db, settings
from bankmart.sources import landing


def sent(line, table, days=None):
    """The delivered rows of a table, as text; `delivered` is the date of the file."""
    folders = [landing.folder(settings.landing_dir(), *table.split("."), day) for day in days or line.dates[:2]]
    return pd.concat([_read(folder).assign(delivered=folder.name) for folder in folders], ignore_index=True)


def _read(folder):
    manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
    path = folder / manifest["file"]
    if manifest["format"] == "parquet":
        frame = pd.read_parquet(path)
        return frame.astype(str).where(frame.notna(), "")
    return pd.read_csv(path, dtype=str, keep_default_na=False, sep=manifest["delimiter"], encoding=manifest["encoding"])


def newest(line, table, key):
    """The newest delivered version per key."""
    found = sent(line, table).sort_values(["effective_date", "delivered"], kind="stable")
    return found.drop_duplicates(key, keep="last").set_index(key)


def kept(line, statement):
    """Rows of the builds that count for the line's first two dates; {builds} and {last} stand for them."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select build_id from governance.publication where business_date = any(%s) order by business_date",
            (line.dates[:2],),
        )
        builds = [build for (build,) in cursor.fetchall()]
        cursor.execute(statement, {"builds": builds, "last": builds[-1]})
        return cursor.fetchall()
