"""What keeps the audit chain from being changed: compared with what the project makes, and who was given a right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

OWNER = "bankmart_audit"
SCRIPT = Path(__file__).with_name("audit.sql")
FUNCTION = re.compile(r"create or replace function audit\.(\w+)\((.*?)\$\$(.*?)\$\$", re.DOTALL)
TRIGGERS = {
    "entry_stays": "BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.entry FOR EACH STATEMENT"
    " EXECUTE FUNCTION audit.refuse()",
    "entry_follows": "BEFORE INSERT ON audit.entry FOR EACH ROW EXECUTE FUNCTION audit.follow()",
    "tip_stays": "BEFORE DELETE OR TRUNCATE ON audit.tip FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()",
    "said_stays": "BEFORE DELETE OR TRUNCATE ON audit.said FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()",
}
SWITCHES = """
select tgname::text, pg_get_triggerdef(oid) from pg_trigger
where
    tgrelid in ('audit.entry'::regclass, 'audit.tip'::regclass, 'audit.said'::regclass) and not tgisinternal
    and tgenabled = 'A'
"""
# A rule or one more trigger could swallow what is added, and the chain would look whole.
ADDED = """
select format('trigger %%s on %%s', tgname, tgrelid::regclass) from pg_trigger
where
    tgrelid in ('audit.entry'::regclass, 'audit.tip'::regclass, 'audit.said'::regclass) and not tgisinternal
    and tgname <> all(%(triggers)s)
union all
select format('rule %%s on %%s', rulename, ev_class::regclass) from pg_rewrite
where ev_class in ('audit.entry'::regclass, 'audit.tip'::regclass, 'audit.said'::regclass)
union all
select format('row-level security of %%s', oid::regclass) from pg_class
where oid in ('audit.entry'::regclass, 'audit.tip'::regclass, 'audit.said'::regclass) and relrowsecurity
"""
OWNED = """
select relname::text, pg_get_userbyid(relowner)::text from pg_class
where relnamespace = 'audit'::regnamespace and relkind = 'r' and pg_get_userbyid(relowner) <> %(owner)s
union all
select 'schema', pg_get_userbyid(nspowner)::text from pg_namespace
where nspname = 'audit' and pg_get_userbyid(nspowner) <> %(owner)s
"""
# Everybody's rights: information_schema shows a role only those of its own roles.
GIVEN = """
with audited as (
    select oid, relname, relowner, coalesce(relacl, acldefault('r', relowner)) as acl from pg_class
    where oid in ('audit.entry'::regclass, 'audit.tip'::regclass, 'audit.said'::regclass)
),
given as (
    select relname::text as on_what, relowner, (aclexplode(acl)).grantee, (aclexplode(acl)).privilege_type
    from audited
    union all
    select format('%%s of %%s', attname, relname), relowner, (aclexplode(attacl)).grantee,
        (aclexplode(attacl)).privilege_type
    from audited join pg_attribute on attrelid = audited.oid where attacl is not null
    union all
    select 'schema', nspowner, (aclexplode(nspacl)).grantee, (aclexplode(nspacl)).privilege_type
    from pg_namespace where nspname = 'audit'
)
select case grantee when 0 then 'everybody' else pg_get_userbyid(grantee)::text end, lower(privilege_type), on_what
from given
where
    privilege_type not in ('SELECT', 'USAGE') and (
        grantee <> relowner or (on_what in ('entry', 'said') and privilege_type in ('DELETE', 'TRUNCATE'))
        or (on_what = 'entry' and privilege_type = 'UPDATE')
    )
union all
select role.rolname::text, 'membership', %(owner)s from pg_auth_members join pg_roles as role on member = role.oid
where roleid = (select oid from pg_roles where rolname = %(owner)s) and not role.rolcreaterole
order by 1, 2, 3
"""
FUNCTIONS = """
select proname::text, replace(prosrc, chr(13), ''), prosecdef, coalesce(array_to_string(proconfig, ','), '')
from pg_proc where pronamespace = 'audit'::regnamespace
"""


def findings(cursor: Any) -> list[str]:
    """What is not as it was made, in sentences."""
    bound = {"owner": OWNER, "triggers": list(TRIGGERS)}
    cursor.execute(SWITCHES)
    on = {name: made.partition(f"{name} ")[2] for name, made in cursor.fetchall()}
    found = [
        f"trigger {name} of schema audit is gone, switched off or another one"
        for name, made in sorted(TRIGGERS.items())
        if on.get(name) != made
    ]
    cursor.execute(ADDED, bound)
    found += [f"{what} is not the project's: what it does to the audit chain nobody knows" for (what,) in cursor]
    cursor.execute(OWNED, bound)
    found += [f"audit.{name} belongs to {owner}, not to {OWNER}" for name, owner in cursor.fetchall()]
    cursor.execute(GIVEN, bound)
    found += [f"{who} was given {what} on the audit chain ({where})" for who, what, where in cursor.fetchall()]
    cursor.execute(FUNCTIONS)
    return found + _functions(cursor.fetchall())


def _functions(there: list[tuple[str, str, bool, str]]) -> list[str]:
    made = {
        name: (body, "security definer" in head, 'search_path=""')
        for name, head, body in FUNCTION.findall(SCRIPT.read_text(encoding="utf-8").replace("\r", ""))
    }
    found = [f"function audit.{name} is gone" for name in sorted(made.keys() - {name for name, *_ in there})]
    for name, *what in sorted(there):
        if made.get(name) != tuple(what):
            found.append(f"function audit.{name} is not the one that the project makes")
    return found
