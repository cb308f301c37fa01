"""What tests of persons share: a date built again beside what is published, of which nothing is left."""

from __future__ import annotations

import pytest

from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance import gate


@pytest.fixture
def rebuild(line):
    """Build layers of a date beside what is published; afterwards nothing of it counts, nor what was decided."""
    made = []

    def _rebuild(day, *layers):
        build = builds.open_build(day, f"person {len(made)}")
        made.append(build.build_id)
        for layer in layers:
            dbt.build_layer(layer, build)
            gate.judge(layer, build)
        return build.build_id

    yield _rebuild
    for build_id in made:
        builds.finish(build_id, "failed", "of a test")
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.build set status = 'superseded' where build_id = any(%s) and status = 'failed'", (made,)
        )
        cursor.execute("delete from governance.identity_decision")
