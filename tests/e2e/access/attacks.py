"""What an attacker tries, as whichever role. Each attack says where what gets through isn't what the metadata say."""

from __future__ import annotations

import io
import re
from pathlib import Path

import psycopg2
from psycopg2 import sql

from bankmart import settings
from bankmart.governance import views
from bankmart.governance.access import grants, programs, verify
from bankmart.governance.access.readers import readers
from bankmart.governance.masking import data_classes

KINDS = {reader.name: reader for reader in readers()}
ROLES = (*KINDS, *programs.PROGRAMS)
# Whom somebody may want to become.
OTHERS = (*ROLES, "airflow", "mlflow", "bankmart_audit", settings.EMBEDDED_ADMIN, "pg_read_all_data", "pg_monitor",
          "pg_read_server_files", "pg_execute_server_program")  # fmt: skip
REFUSED = (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedFunction)
RELATIONS = """
select space.nspname, relation.relname, array_agg(attribute.attname::text order by attribute.attnum)
from pg_class as relation
join pg_namespace as space on space.oid = relation.relnamespace
join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
    and not attribute.attisdropped
where relation.relkind in ('r', 'p', 'v', 'm', 'f') and space.nspname !~ '^(pg_|information_schema)'
group by 1, 2 order by 1, 2
"""
ROUTINES = """
select space.nspname, routine.proname, oidvectortypes(routine.proargtypes)
from pg_proc as routine join pg_namespace as space on space.oid = routine.pronamespace
where space.nspname !~ '^(pg_|information_schema)' order by 1, 2, 3
"""
STATISTICS = """
select schemaname::text, tablename::text, attname::text from pg_stats where schemaname !~ '^(pg_|information_schema)'
"""
EXTENDED = """
select schemaname::text, tablename::text from pg_stats_ext
union
select schemaname::text, tablename::text from pg_stats_ext_exprs
"""
# Other ways to a column than a plain query: {table}, {column}, and {query} as a text.
WAYS = (
    "copy (select {column} from {table} limit 1) to stdout",
    "declare way cursor for select {column} from {table}; fetch 1 from way",
    "select query_to_xml({query}, true, false, '')",
    "explain select {column} from {table}",
    "select count(*) from {table} where ('!' || {column}::text)::integer = 0",
    "select max(statement.x::text) from (select {column} as x from {table} group by 1 limit 1) as statement",
)
PART = re.compile(r"__b\d+$")
SIDE_WAYS = Path(__file__).with_name("side_ways.sql")


class Attacker:
    """A login, the one connection of it, and what the metadata let it do. All that it does is rolled back."""

    def __init__(self, role, login, shown):
        self.role, self.kind = role, KINDS.get(role)
        self.link = psycopg2.connect(settings.dsn(login))
        self.shown = [view for view in shown if self.kind and views.reads(self.kind, view)]
        self.cells = {cell[1:] for cell in verify.matrix(shown) if cell[0] == role}
        self.calls = {function for who, function in verify.calls(shown) if who == role}

    def ask(self, statement, values=None):
        """What it gives. Raises what the server says."""
        text = statement if isinstance(statement, str) else statement.as_string(self.link)
        try:
            with self.link.cursor() as cursor:
                if text.startswith("copy ") and text.endswith("to stdout"):
                    out = io.StringIO()
                    cursor.copy_expert(text, out)
                    return out.getvalue().splitlines()
                cursor.execute(text, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            self.link.rollback()

    def gets(self, statement):
        """Whether it isn't refused; any other error comes behind the question of rights."""
        try:
            self.ask(statement)
        except REFUSED:
            return False
        except psycopg2.Error:
            return True
        return True

    def may_read(self, schema, table, column):
        """Whether the metadata say so."""
        if self.kind is None:
            return programs.may_read(self.role, schema, table, column)
        return (schema, table, column) in self.cells or grants.may_read(self.kind, schema, table)

    def may_call(self, function):
        """Whether the metadata say so; `function` with its types."""
        return function in self.calls if self.kind else programs.may_call(self.role, function)

    def may(self, need):
        """Whether the metadata give what a group of side ways needs."""
        word, _, rest = need.partition(" ")
        said = {
            "nobody": lambda: False,
            "just": lambda: self.role == rest,
            "is": lambda: self.role == rest or rest in programs.members_of(self.role),
            "makes": lambda: programs.owns(self.role, rest),
            "temporary": lambda: programs.may_make_temporary(self.role),
            "calls": lambda: self.may_call(rest),
            "reads": lambda: self.may_read(*rest.split(".")),
        }
        return said[word]()

    def reached(self, relations):
        """Every (schema, relation, column) that a plain query gets an answer from."""
        found = set()
        for schema, table, columns in relations:
            target = sql.Identifier(schema, table)
            # Without a column: allowed to who may read any of them.
            if not self.gets(sql.SQL("select 1 from {} limit 0").format(target)):
                continue
            if self.gets(sql.SQL("select * from {} limit 0").format(target)):
                found |= {(schema, table, column) for column in columns}
                continue
            found |= {
                (schema, table, column)
                for column in columns
                if self.gets(sql.SQL("select {} from {} limit 0").format(sql.Identifier(column), target))
            }
        return found


def differing(by, got, wanted, what):
    """Where the two differ, in words."""
    return [f"{by.role} {what} {each} and may not" for each in sorted(map(str, got - wanted))] + [
        f"{by.role} can't: {what} {each}" for each in sorted(map(str, wanted - got))
    ]


def columns(by, relations):
    """Every column of every relation, asked plainly."""
    wanted = {(schema, table, name) for schema, table, names in relations for name in names
              if by.may_read(schema, table, name)}  # fmt: skip
    return differing(by, by.reached(relations), wanted, "reads")


def other_ways(by, relations):
    """A column that isn't the role's, of each relation, by every other way; and of one that is, to see that all go."""
    found, is_open = [], False
    for schema, table, names in relations:
        if PART.search(table):
            continue
        shut = [name for name in names if not by.may_read(schema, table, name)]
        if shut or not is_open:
            through = [way for way in WAYS if by.gets(_by_way(by, way, schema, table, (shut or names)[0]))]
            is_open = is_open or not shut
            if len(through) != (0 if shut else len(WAYS)):
                found.append(f"{by.role}, {schema}.{table}.{(shut or names)[0]}: {through or 'no way'}")
    return found if is_open else [*found, f"{by.role} has no relation of its own"]


def _by_way(by, way, schema, table, column):
    target, name = sql.Identifier(schema, table), sql.Identifier(column)
    query = sql.SQL("select {} from {} limit 1").format(name, target).as_string(by.link)
    return sql.SQL(way).format(table=target, column=name, query=sql.Literal(query))


def functions(by, routines):
    """Every function of the warehouse, really called."""
    got, wanted = set(), set()
    for schema, name, types in routines:
        function = f"{schema}.{name}({types})"
        given = sql.SQL(", ").join(sql.SQL(f"null::{each}") for each in types.split(", ") if each)
        if by.gets(sql.SQL("select {}({})").format(sql.Identifier(schema, name), given)):
            got.add(function)
        if by.may_call(function):
            wanted.add(function)
    return differing(by, got, wanted, "calls")


def side_ways(by):
    """Every statement of side_ways.sql."""
    got, wanted, need = set(), set(), "nobody"
    for line in SIDE_WAYS.read_text(encoding="utf-8").splitlines():
        if line.startswith("--"):
            need = line.removeprefix("-- needs ") if line.startswith("-- needs ") else need
            continue
        got |= {line} if by.gets(line) else set()
        wanted |= {line} if by.may(need) else set()
    return differing(by, got, wanted, "gets through:")


def becoming(by):
    """To be somebody else."""
    got = {other for other in OTHERS if by.gets(sql.SQL("set role {}").format(sql.Identifier(other)))}
    return differing(by, got, {other for other in OTHERS if by.may(f"is {other}")}, "becomes")


def errors(by):
    """A message that names a value: it has to be one that the role reads there, masked, of a row that is its own."""
    found = []
    for view in by.shown:
        target, mine = sql.Identifier(view.schema, view.name), []
        if view.schema != "published" and "customer_id" in view.grades:
            mine = [each for (each,) in by.ask(sql.SQL("select distinct customer_id from {}").format(target))]
        for name, data_class in view.classes.items():
            is_telling = name == "customer_id" or data_classes()[data_class]["mask"] in ("ends", "surname")
            if is_telling and by.may_read(view.schema, view.name, name):
                column = sql.Identifier(name)
                said = told(by, PROVOKED if mine else PLAINLY, target, column, mine)
                seen = sql.SQL("select exists (select from {} where {} = %s)").format(target, column)
                if said is not None and (mine or by.ask(seen, (said,)) != [(True,)]):
                    found.append(f"{by.role} was told a value of {view.key}.{name}")
    return found


# How a query is carried out everybody may choose: so that conditions are asked of a table before it is joined.
SCANNED = "set enable_nestloop = off; set enable_indexscan = off; set enable_bitmapscan = off; "
PLAINLY = SCANNED + "select count(*) from {} where ('!' || {})::integer = 0"
# Of a row that is not the role's own: there should be none.
PROVOKED = (
    SCANNED
    + "select count(*) from {} where case when customer_id = any(%s) then false else ('!' || {})::integer = 0 end"
)


def told(by, statement, target, column, mine=()):
    """The value that an error names, if there is one."""
    try:
        by.ask(sql.SQL(statement).format(target, column), (list(mine),) if mine else None)
    except psycopg2.errors.InvalidTextRepresentation as error:
        return re.search(r'"!(.*)"', str(error.diag.message_primary), re.DOTALL)[1]
    return None


def oracles(by, everybody):
    """An error that only somebody else's row could raise: it would say that there is one."""
    found = []
    for view in by.shown:
        if view.schema == "published" or "customer_id" not in view.grades:
            continue
        target = sql.Identifier(view.schema, view.name)
        others = everybody - {each for (each,) in by.ask(sql.SQL("select customer_id from {}").format(target))}
        asked = sql.SQL(
            SCANNED + "select count(*) from {} where case when customer_id = any(%s)"
            " then 1 / (length(customer_id) - length(customer_id)) = 1 else false end"
        )
        try:
            by.ask(asked.format(target), (sorted(others),))
        except psycopg2.errors.DivisionByZero:
            found.append(f"{by.role}: {view.key} tells of others")
    return found


def statistics(by, known, extended):
    """What the server has counted of columns and of groups of them: `known` and `extended` is all that there is."""
    wanted = {cell for cell in known if by.may_read(*cell)}
    # The server may have counted one anew meanwhile.
    got = {cell for cell in by.ask(STATISTICS) if cell in known or not by.may_read(*cell)}
    found = differing(by, got, wanted, "sees statistics of")
    mine = {(schema, table) for schema, table, names in extended
            if all(by.may_read(schema, table, name) for name in names)}  # fmt: skip
    return found + [f"{by.role} sees common values of {each}" for each in sorted(set(by.ask(EXTENDED)) - mine)]


def large_object(by, number):
    """To read, write or take away a large object of somebody else's."""
    tries = (f"select lo_get({number})", f"select loread(lo_open({number}, 262144), 9)", f"select lo_unlink({number})",
             f"select lo_put({number}, 0, 'x')", f"select lo_export({number}, '/tmp/x')",
             f"select data from pg_largeobject where loid = {number}")  # fmt: skip
    return [f"{by.role} gets through: {each}" for each in tries if by.gets(each)]


def seen_query(by, secret):
    """To see what somebody else asks: it may be of those whom the role is a member of."""
    got = any(secret in (query or "") for (query,) in by.ask("select query from pg_stat_activity"))
    return [] if got == by.may("is platform") else [f"{by.role} {'sees' if got else 'does not see'} platform's query"]
