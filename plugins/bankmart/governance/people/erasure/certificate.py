"""The certificate of an erasure: what was done, without a word of who it was about but the token."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bankmart import db, settings
from bankmart.governance.people.erasure.work import Numbers

STAYS = (
    "facts (amounts, dates, products, codes) under an anonymous number; of the demographics the year of birth, sex, "
    "district, branch, occupation, education, marital status and income"
)
NOT_SEARCHED = (
    "the server's write-ahead log and free space of its files, which are written over afterwards (entry erasure_scrub "
    "of the audit chain); backups, what containers hold in memory or say to their engine's log, and every folder that "
    "is not listed under `searched`: they go with their own retention"
)


def path(number: int) -> Path:
    """Where the certificate of a request lies."""
    # On servers the state folder is in memory: beside the heads of the audit chain they last.
    kept = os.environ.get("BANKMART_AUDIT_DIR")
    return (Path(kept) if kept else settings.state_dir()) / "certificates" / f"erasure-{number}.json"


def write_up(cursor: Any, number: int, numbers: Numbers, about: Mapping[str, Any]) -> dict[str, Any]:
    """The text of a certificate. `about`: what the run did, of all persons that it erased together."""
    cursor.execute(
        "select customer_token, requested_by, requested_at, decided_by, decided_at, clock_timestamp()"
        " from governance.erasure where erasure_id = %s",
        (number,),
    )
    token, requested_by, requested_at, decided_by, decided_at, now = db.one(cursor)
    cursor.execute("select model from governance.retrain_due where erasure_id = %s order by 1", (number,))
    return {
        "erasure": number,
        "customer_token": token,
        "requested_by": requested_by,
        "requested_at": requested_at.isoformat(timespec="seconds"),
        "approved_by": decided_by,
        "approved_at": decided_at.isoformat(timespec="seconds"),
        "finished_at": now.isoformat(timespec="seconds"),
        "numbers_replaced": {kind: len(known) for kind, known in numbers.items() if known},
        **about,
        "left_over": 0,
        "not_searched": NOT_SEARCHED,
        "stays": STAYS,
        "models_due_for_retraining": [model for (model,) in cursor.fetchall()],
    }


def keep_missing(cursor: Any) -> None:
    """Write the files that are not there: whoever made the certificate may have been killed before that."""
    cursor.execute("select erasure_id from governance.erasure where state = 'done'")
    for number in [number for (number,) in cursor.fetchall() if not path(number).exists()]:
        cursor.execute("select certificate from governance.erasure where erasure_id = %s", (number,))
        keep(number, db.one(cursor)[0])


def keep(number: int, text: Mapping[str, Any]) -> None:
    """Write it as a file, too."""
    settings.write_private(path(number), json.dumps(text, indent=2, ensure_ascii=False) + "\n")
