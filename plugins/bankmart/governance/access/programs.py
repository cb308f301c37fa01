"""What the programs of the platform read in the warehouse, as far as they are no readers: the gate compares.

No view masks what a program reads. Of what the vault keeps they all read tokens; loader and eraser reach its sealed
records, too, which nobody opens without the master key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# Each adds entries to the audit's chain.
AUDIT = (
    "audit.head()",
    "audit.add(bigint, timestamp with time zone, text, text, text, text, jsonb, text, text)",
    "audit.say(bigint, text, text, text)",
)


@dataclass(frozen=True)
class Program:
    """A role that a program of the platform logs in as."""

    # Schemas of which it reads everything, and calls every function: it has made what is there.
    owns: tuple[str, ...] = ()
    # Schemas of which it reads everything, by grant.
    reads: tuple[str, ...] = ()
    # Relation → the columns that it reads; none named: all.
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    calls: tuple[str, ...] = ()
    # Roles whose rights it has besides.
    member_of: tuple[str, ...] = ()
    makes_temporary: bool = False


PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "platform": Program(
            owns=(
                "public", "staging", "intermediate", "marts", "tags", "features", "scores", "profile", "governance",
                "published", "own", "marketing",
            ),
            reads=("sources",),
            tables={"audit.entry": (), "audit.tip": (), "audit.said": ()},
            calls=(*AUDIT, "vault.destroy(text[])"),
            # As the owner of the database.
            member_of=("pg_database_owner",),
            makes_temporary=True,
        ),
        "loader": Program(
            owns=("sources",),
            tables={
                "governance.load": (), "governance.quarantine": (), "governance.quarantine_repair": (),
                "governance.tombstone": (), "vault.master": (), "vault.data_key": (), "vault.sealed": (),
                "vault.load_key": (),
            },
            calls=AUDIT,
            makes_temporary=True,
        ),
        "scorer": Program(
            reads=("features",),
            tables={
                "governance.build": (), "governance.publication": (), "governance.load": (),
                "governance.retrain_due": (), "scores.customer_score": (), "scores.customer_offer": (),
                "scores.customer_exclusion": (), "scores.feedback_score": (),
                "audit.entry": ("number", "kind", "subject", "facts"),
            },
            calls=AUDIT,
            makes_temporary=True,
        ),
        # Whoever erases a person writes, and searches, wherever that person may be.
        "eraser": Program(
            calls=("audit.blacken(bigint, text, text, text)",),
            member_of=("platform", "loader", "scorer", "airflow", "mlflow", "pg_checkpoint"),
        ),
        "vault": Program(owns=("vault",), tables={"governance.quarantine": ()}, calls=AUDIT),
    }
)  # fmt: skip


def members_of(name: str) -> set[str]:
    """The roles whose rights a program has besides its own, over any number of steps."""
    direct = PROGRAMS[name].member_of if name in PROGRAMS else ()
    return {*direct, *(further for each in direct for further in members_of(each))}


def rights(name: str) -> list[Program]:
    """What a program may, and what it may as a member of others; nothing for who is none."""
    return [PROGRAMS[each] for each in (name, *sorted(members_of(name))) if each in PROGRAMS]


def may_read(name: str, schema: str, table: str, column: str) -> bool:
    """Whether a program reads a column."""
    relation = f"{schema}.{table}"
    return any(
        schema in (*each.owns, *each.reads)
        or (relation in each.tables and column in (each.tables[relation] or (column,)))
        for each in rights(name)
    )


def may_call(name: str, function: str) -> bool:
    """Whether a program calls a function, such as `audit.head()`."""
    return owns(name, function.partition(".")[0]) or any(function in each.calls for each in rights(name))


def owns(name: str, schema: str) -> bool:
    """Whether a program makes and changes what is in a schema."""
    return any(schema in each.owns for each in rights(name))


def may_make_temporary(name: str) -> bool:
    """Whether a program makes temporary tables."""
    return any(each.makes_temporary for each in rights(name))


def whole() -> list[str]:
    """`program schema` of every schema that a program reads whole: there is nothing to compare there."""
    return [
        f"{name} {schema}"
        for name in PROGRAMS
        for schema in sorted({each for right in rights(name) for each in (*right.owns, *right.reads)})
    ]


def memberships() -> list[str]:
    """`program role` of every role that a program may become or has the rights of."""
    return [f"{name} {role}" for name in PROGRAMS for role in sorted(members_of(name))]


def listed() -> list[list[str]]:
    """Program, schema or relation, columns: what each reads, as of its own or as a member of another."""
    return [
        [name, *read]
        for name in PROGRAMS
        for read in sorted(
            {(f"{schema}.*", "all") for each in rights(name) for schema in (*each.owns, *each.reads)}
            | {(table, ", ".join(columns) or "all") for each in rights(name) for table, columns in each.tables.items()}
        )
    ]
