"""`bankmart builds`: every build, how it ended, and which one readers see."""

from __future__ import annotations

import argparse

from bankmart import db
from bankmart.text import table

QUERY = """
select
    build.business_date::text,
    build.build_id,
    build.kind,
    build.status,
    case when publication.build_id is not null then 'yes' else '' end as is_read,
    case
        when publication.build_id is not null and exists (
            select 1 from governance.publication as before
            where before.business_date < build.business_date and before.published_at > publication.published_at
        ) then 'stale: an earlier date was published again; rebuild it'
        else coalesce(split_part(build.reason, E'\\n', 1), '')
    end as note
from governance.build
left join governance.publication on build.build_id = publication.build_id
order by build.business_date desc, build.build_id desc
limit %s
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--most."""
    parser.add_argument("--most", type=int, default=40, help="how many to show (40)")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(QUERY, (args.most,))
        rows = [list(row) for row in cursor.fetchall()]
    print(table(["date", "build", "kind", "status", "read", "note"], rows) if rows else "no build yet")
    return 0
