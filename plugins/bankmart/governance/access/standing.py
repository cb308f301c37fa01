"""Whether readers' views stand as they were made: what the server has of each, kept beside what was intended."""

from __future__ import annotations

from typing import Any

# Definition, options, owner, who may what on the whole and on a column; of the function that hangs on it, the same.
STANDS = """
select
    case space.nspname when 'published' then '' else space.nspname || '.' end || relation.relname as name,
    md5(concat_ws(
        chr(10), relation.relkind, pg_get_userbyid(relation.relowner), relation.reloptions::text,
        pg_get_viewdef(relation.oid),
        (select string_agg(given::text, ',' order by given::text) from unnest(relation.relacl) as given),
        (
            select string_agg(attname || given::text, ',' order by attname || given::text)
            from pg_attribute cross join unnest(attacl) as given
            where attrelid = relation.oid
        ),
        (
            select string_agg(concat(pg_get_functiondef(routine.oid), pg_get_userbyid(proowner), (
                select string_agg(given::text, ',' order by given::text) from unnest(proacl) as given
            )), ',' order by routine.oid)
            from pg_proc as routine
            where pronamespace = space.oid and proname = relation.relname || '_as_of' and prokind = 'f'
        )
    )) as stands
from pg_class as relation
join pg_namespace as space on space.oid = relation.relnamespace
where space.nspname in ('published', 'own', 'marketing') and relation.relkind = 'v'
"""
REMEMBER = f"""
update governance.published_view as kept set stands = now.stands from ({STANDS}) as now
where kept.name = now.name and kept.name = any(%s)
"""  # noqa: S608
CHANGED = f"""
select kept.name, now.name is null
from governance.published_view as kept
left join ({STANDS}) as now on kept.name = now.name
where kept.stands is distinct from now.stands
order by 1
"""  # noqa: S608


def remember(cursor: Any, names: list[str]) -> None:
    """Keep what the server has of these views, which this transaction has made."""
    cursor.execute(REMEMBER, (names,))


def changed(cursor: Any) -> dict[str, bool]:
    """Views that aren't what was made, by name → whether they are gone altogether."""
    cursor.execute(CHANGED)
    return dict(cursor.fetchall())


def findings(cursor: Any) -> list[str]:
    """Each of them in a sentence."""
    gone = "is gone: somebody dropped it"
    other = "is not as it was made: somebody changed what it shows, its options, its owner or its grants"
    return [
        f"view {name} {gone if is_gone else other}; `bankmart access --apply` makes it anew"
        for name, is_gone in changed(cursor).items()
    ]
