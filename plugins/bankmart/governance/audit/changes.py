"""Changes that come with the code: written into the chain by the first publication or `access --apply` that has them.

What readers may see follows from these alone: classes and their masks, kinds of readers, expressions that lower a
grade, and the columns of each published view with their classes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from bankmart.governance import project
from bankmart.governance.audit.chain import append, canonical
from bankmart.governance.masking import data_classes
from bankmart.governance.tags import ledger

if TYPE_CHECKING:
    from psycopg2.extensions import connection

    from bankmart.governance.views import View


def record(link: connection, actor: str, shown: list[View]) -> list[str]:
    """Append what has changed since it was last written down: policy and accepted tags; returns the subjects.

    `shown`: the views that are published.
    """
    stated = {
        ("policy", "data_classes"): data_classes(),
        ("policy", "readers"): project.variables()["readers"],
        ("policy", "grade_breakers"): project.variables()["grade_breakers"],
        ("policy", "published"): {view.key: _digest(view.classes) for view in shown},
        ("tags", ledger.NAME): {
            f"{each.key} {each.version}": {"status": each.status, "definition": each.definition_hash}
            for each in ledger.read(ledger.path()).values()
        },
    }
    return [subject for (kind, subject), now in stated.items() if _append(link, actor, kind, subject, now)]


def _digest(classes: dict[str, str]) -> str:
    # Columns and their classes: some thousand would be written anew with each tag.
    return hashlib.sha256(canonical(classes).encode()).hexdigest()[:16]


def _append(link: connection, actor: str, kind: str, subject: str, now: dict[str, Any]) -> bool:
    with link.cursor() as cursor:
        cursor.execute(
            "select facts -> 'stated' from audit.entry where kind = %s and subject = %s order by number desc limit 1",
            (kind, subject),
        )
        (before,) = cursor.fetchone() or (None,)
    if canonical(before) == canonical(now):
        return False
    known = before or {}
    changed = sorted(
        name for name in known.keys() | now.keys() if canonical(known.get(name)) != canonical(now.get(name))
    )
    append(link, kind, actor, subject, {"changed": changed if before is not None else "first written", "stated": now})
    return True
