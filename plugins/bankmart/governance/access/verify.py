"""The gate of access: what the database lets each reader do is what the project's metadata say, and nothing more."""

from __future__ import annotations

from typing import Any

from bankmart import settings
from bankmart.governance import stops, views
from bankmart.governance.access import grants, programs, standing
from bankmart.governance.access.readers import readers
from bankmart.governance.gate import GateStopped
from bankmart.governance.views import View

SHOWN = 10
RULE = "access_of_readers"
OWNER = "data-platform, with the data protection officer"

READABLE = """
select reader.name, space.nspname, relation.relname, attribute.attname
from unnest(%(readers)s) as reader (name)
cross join pg_namespace as space
join pg_class as relation on relation.relnamespace = space.oid and relation.relkind in ('r', 'p', 'v', 'm', 'f')
join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
    and not attribute.attisdropped
where
    space.nspname !~ '^pg_' and space.nspname <> 'information_schema'
    and not format('%%s %%s', reader.name, space.nspname) = any(%(whole)s)
    and has_schema_privilege(reader.name, space.oid, 'usage')
    and has_column_privilege(reader.name, relation.oid, attribute.attnum, 'select')
"""
# Whoever may call a function that runs with its owner's rights reads what the owner reads.
CALLABLE = """
select reader.name, format('%%s.%%s(%%s)', space.nspname, routine.proname, oidvectortypes(routine.proargtypes))
from unnest(%(readers)s) as reader (name)
cross join pg_proc as routine
join pg_namespace as space on space.oid = routine.pronamespace
where
    space.nspname !~ '^pg_' and space.nspname <> 'information_schema'
    and has_function_privilege(reader.name, routine.oid, 'execute')
"""
# Each gives rows of what must not be.
RULES = {
    "a reader may change, make or switch something": """
        select format('%%s may change %%s.%%s', reader.name, space.nspname, relation.relname)
        from unnest(%(readers)s) as reader (name)
        cross join pg_class as relation
        join pg_namespace as space on space.oid = relation.relnamespace
        where space.nspname !~ '^pg_' and space.nspname <> 'information_schema' and relation.relkind in
            ('r', 'p', 'v', 'm', 'f')
            and has_schema_privilege(reader.name, space.oid, 'usage')
            and (has_table_privilege(reader.name, relation.oid, 'insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege(reader.name, relation.oid, 'insert, update, references'))
        union all
        select format('%%s may use sequence %%s.%%s', reader.name, space.nspname, relation.relname)
        from unnest(%(readers)s) as reader (name)
        cross join pg_class as relation
        join pg_namespace as space on space.oid = relation.relnamespace
        where space.nspname !~ '^pg_' and relation.relkind = 'S'
            and has_sequence_privilege(reader.name, relation.oid, 'usage, select, update')
        union all
        select format('%%s may create in schema %%s', reader.name, space.nspname)
        from unnest(%(readers)s) as reader (name) cross join pg_namespace as space
        where has_schema_privilege(reader.name, space.oid, 'create')
        union all
        select format('%%s may make temporary tables', reader.name) from unnest(%(readers)s) as reader (name)
        where has_database_privilege(reader.name, current_database(), 'temporary, create')
    """,
    "a role is above the rules": """
        select format('role %%s is a superuser, skips row-level security or makes roles', rolname) from pg_roles
        where rolname = any(%(readers)s || %(programs)s)
            and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
        union all
        select format('%%s is a member of %%s', reader.name, role.rolname)
        from unnest(%(readers)s) as reader (name) cross join pg_roles as role
        where role.rolname <> reader.name and pg_has_role(reader.name, role.oid, 'member')
        union all
        select format('%%s is a member of %%s', program.name, role.rolname)
        from unnest(%(programs)s) as program (name) cross join pg_roles as role
        where role.rolname <> program.name and pg_has_role(program.name, role.oid, 'member')
            and not format('%%s %%s', program.name, role.rolname) = any(%(memberships)s)
    """,
    # Of each right and ownership of a role, wherever it is, pg_shdepend has a line: no has_… for each login and column.
    "a login may do more than its kind of reader": """
        with recursive person (oid) as (
            select member.member from pg_auth_members as member
            where member.roleid in (select oid from pg_roles where rolname = any(%(readers)s))
                and member.member not in (select oid from pg_roles where rolname = any(%(known)s))
            union
            select member.member from pg_auth_members as member join person on member.roleid = person.oid
            where member.member not in (select oid from pg_roles where rolname = any(%(known)s))
        ),
        login as (select pg_roles.* from person join pg_roles on pg_roles.oid = person.oid),
        membership as (
            select login.rolname as name, role.rolname as role, bool_or(member.admin_option) as may_hand_on
            from login join pg_auth_members as member on member.member = login.oid
            join pg_roles as role on role.oid = member.roleid
            group by login.rolname, role.rolname
        )
        select format('%%s has %%s', login.rolname, attribute.name)
        from login cross join lateral (values
            ('superuser', rolsuper), ('bypassrls', rolbypassrls), ('createrole', rolcreaterole),
            ('createdb', rolcreatedb), ('replication', rolreplication)
        ) as attribute (name, has) where attribute.has
        union all
        select format('%%s is a member of %%s', name, role) from membership where role <> all(%(readers)s)
        union all
        select format('%%s may make others members of %%s', name, role) from membership where may_hand_on
        union all
        select format('%%s is of several kinds: %%s', name, string_agg(role, ', ' order by role))
        from membership where role = any(%(readers)s) group by name having count(*) > 1
        union all
        select format(
            case when own.deptype = 'o' then '%%s owns %%s' else '%%s has rights of its own on %%s' end, login.rolname,
            case when own.dbid in (0, here.oid) then pg_describe_object(own.classid, own.objid, own.objsubid)
                else 'something in another database' end
        )
        from login
        join pg_shdepend as own on own.refclassid = 'pg_authid'::regclass and own.refobjid = login.oid
        cross join (select oid from pg_database where datname = current_database()) as here
        order by 1
    """,
    "something is granted to everybody": """
        select format('%%s.%%s', space.nspname, relation.relname)
        from pg_class as relation
        join pg_namespace as space on space.oid = relation.relnamespace
        cross join aclexplode(relation.relacl) as given
        where given.grantee = 0 and space.nspname = any(%(schemas)s)
        union all
        select format('schema %%s', space.nspname)
        from pg_namespace as space cross join aclexplode(space.nspacl) as given
        where given.grantee = 0 and space.nspname = any(%(schemas)s)
        union all
        select routine.oid::regprocedure::text
        from pg_proc as routine join pg_namespace as space on space.oid = routine.pronamespace
        where space.nspname = any(%(schemas)s) and has_function_privilege('public', routine.oid, 'execute')
    """,
    "a reader's view lets conditions look behind it": """
        select format('%%s.%%s', space.nspname, relation.relname)
        from pg_class as relation join pg_namespace as space on space.oid = relation.relnamespace
        where space.nspname = any(%(shown)s) and relation.relkind in ('r', 'p', 'v', 'm', 'f')
            and (relation.relkind <> 'v' or relation.reloptions is null
                or not 'security_barrier=true' = any(relation.reloptions))
    """,
    "a function runs with its owner's rights": """
        select routine.oid::regprocedure::text
        from pg_proc as routine join pg_namespace as space on space.oid = routine.pronamespace
        where space.nspname = any(%(schemas)s) and routine.prosecdef
            and (space.nspname = any(%(shown)s) and not routine.oid::regprocedure::text = any(%(masking)s)
                or not coalesce(array_to_string(routine.proconfig, ',') like '%%search_path=%%', false))
    """,
    "a view of the catalogue shows more than the catalogue": """
        select distinct format('%%s reads %%s', seen.oid::regclass, behind.oid::regclass)
        from pg_class as seen
        join pg_rewrite as rewrite on rewrite.ev_class = seen.oid
        join pg_depend as need on need.classid = 'pg_rewrite'::regclass and need.objid = rewrite.oid
            and need.refclassid = 'pg_class'::regclass and need.refobjid <> seen.oid
        join pg_class as behind on behind.oid = need.refobjid
        where seen.relnamespace = 'published'::regnamespace and seen.relname = any(%(open)s)
            and not (behind.relnamespace = 'governance'::regnamespace and behind.relname = any(%(open_from)s))
    """,
    "a program reads the vault": """
        select format('%%s may read vault.%%s', program.name, relation.relname)
        from unnest(array['platform', 'scorer']) as program (name)
        cross join pg_class as relation join pg_namespace as space on space.oid = relation.relnamespace
        where space.nspname = 'vault' and relation.relkind in ('r', 'p', 'v', 'm', 'f')
            and (has_table_privilege(program.name, relation.oid, 'select')
                or has_any_column_privilege(program.name, relation.oid, 'select'))
    """,
    "a large object lies beside all grades": """
        select format('%%s of %%s', oid, pg_get_userbyid(lomowner)) from pg_largeobject_metadata
    """,
    "a table would be empty after a crash": """
        select format('%%s.%%s', space.nspname, relation.relname)
        from pg_class as relation join pg_namespace as space on space.oid = relation.relnamespace
        where space.nspname = any(%(schemas)s) and relation.relpersistence = 'u'
    """,
}
SHOWING = ("published", "own", "marketing")
LAYERS = (
    "sources", "staging", "intermediate", "marts", "tags", "features", "scores", "profile", "governance", "audit",
)  # fmt: skip
# Reader, schema, relation, column.
Cell = tuple[str, str, str, str]


def judge(cursor: Any, shown: list[View]) -> None:
    """Raises GateStopped where the database gives readers more than the metadata say, or less; inside a transaction."""
    found = findings(cursor, shown)
    if found:
        more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        says = "\n  ".join(found[:SHOWN] + more)
        raise GateStopped(
            f"gate access is red: the database and the project's metadata differ in {len(found)} places.\n  {says}\n"
            f"  owner     {OWNER}\n"
            f"Nothing is published. {stops.protected(stops.published_date())} Runbook: {stops.page(RULE)}",
            "access",
            (stops.check(RULE, len(found), OWNER, says),),
        )


def findings(cursor: Any, shown: list[View]) -> list[str]:
    """Each difference in a sentence."""
    names = [reader.name for reader in readers()]
    bound = {
        "readers": names,
        "programs": list(programs.PROGRAMS),
        "memberships": programs.memberships(),
        "whole": [],
        # Who is no person: what programs and kinds may do is looked at by itself.
        "known": [*names, *settings.ROLES, settings.server().admin],
        "schemas": [*SHOWING, *LAYERS, "vault"],
        "shown": list(SHOWING),
        # The project's own, which mask by themselves; what they are is compared with what was made.
        "masking": [function.replace(", ", ",") for view in shown for function in view.masking],
        "open": list(grants.OPEN["published"]),
        "open_from": list(grants.OPEN_FROM),
    }
    cursor.execute(READABLE, bound)
    actual, wanted = set(cursor.fetchall()), matrix(shown)
    open_columns = {cell for cell in actual if _is_open(cell)}
    found = [f"{who} reads {schema}.{table}.{column} and may not" for who, schema, table, column in
             sorted(actual - wanted - open_columns)]  # fmt: skip
    found += [f"{who} can't read {schema}.{table}.{column}" for who, schema, table, column in sorted(wanted - actual)]
    cursor.execute(CALLABLE, bound)
    called, callable_ = set(cursor.fetchall()), calls(shown)
    found += [f"{who} calls {function} and may not" for who, function in sorted(called - callable_)]
    found += [f"{who} can't call {function}" for who, function in sorted(callable_ - called)]
    found += _of_programs(cursor)
    found += standing.findings(cursor)
    for rule, statement in RULES.items():
        cursor.execute(statement, bound)
        found += [f"{rule}: {what}" for (what,) in cursor.fetchall()]
    return found


def matrix(shown: list[View]) -> set[Cell]:
    """Every column that every reader reads, derived from classes, readers and published models alone."""
    return {
        (reader.name, view.schema, view.name, column)
        for reader in readers()
        for view in shown
        for column in views.reads(reader, view)
    }


def calls(shown: list[View]) -> set[tuple[str, str]]:
    """Every function that every reader calls: the catalogue's, and those of the views that it reads whole."""
    return {
        (reader.name, function)
        for reader in readers()
        for function in (*grants.OPEN_FUNCTIONS, *(each for view in shown for each in views.functions(reader, view)))
    }


def _of_programs(cursor: Any) -> list[str]:
    """What programs read and call beyond what they are for; what one lacks it says itself."""
    bound = {"readers": list(programs.PROGRAMS), "whole": programs.whole()}
    cursor.execute(READABLE, bound)
    found = [f"{who} reads {schema}.{table}.{column} and may not" for who, schema, table, column in
             sorted(cursor.fetchall()) if not programs.may_read(who, schema, table, column)]  # fmt: skip
    cursor.execute(CALLABLE, bound)
    called = sorted(cursor.fetchall())
    return found + [f"{who} calls {function} and may not" for who, function in called
                    if not programs.may_call(who, function)]  # fmt: skip


def _is_open(cell: Cell) -> bool:
    who, schema, table, _ = cell
    return any(reader.name == who and grants.may_read(reader, schema, table) for reader in readers())
