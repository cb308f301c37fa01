"""The statements that take a person out of the warehouse's tables, and leave the facts there as nobody's."""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.governance import audit
from bankmart.governance.audit import words
from bankmart.governance.masking import SHAPE
from bankmart.governance.people import person
from bankmart.governance.people.erasure.replace import ERASED
from bankmart.governance.people.erasure.search.finder import Wholes
from bankmart.governance.people.erasure.work import Numbers as Numbers
from bankmart.governance.people.erasure.work import Work
from bankmart.governance.people.places import CUSTOMER, Place, Table
from bankmart.governance.people.rules import EFFECTIVE
from bankmart.vault import store
from bankmart.vault.keys import unlock

# A text in its pieces, each number among them replaced.
PIECES = """(
    select string_agg(coalesce({known}::jsonb ->> piece.found[1], piece.found[1]), '' order by piece.place)
    from regexp_matches({text}, '([[:alnum:]_-]+|[^[:alnum:]_-]+)', 'g') with ordinality as piece (found, place)
)"""
TEXTS = """
select relation.relname, attribute.attname, format_type(attribute.atttypid, null)
from pg_class as relation
inner join pg_attribute as attribute on attribute.attrelid = relation.oid
where
    relation.relnamespace = 'governance'::regnamespace and relation.relkind = 'r' and attribute.attnum > 0
    and not attribute.attisdropped and attribute.atttypid = any('{text,jsonb}'::regtype[])
    and not relation.relname = any(%s)
order by 1, 2
"""
QUARANTINED = "select load_id, line_number, raw_text from governance.quarantine where raw_text <> %s order by 1, 2"


def anonymous(numbers: Mapping[str, Sequence[str]], given: Numbers) -> dict[str, dict[str, str]]:
    """A new number for each that has none yet: random, so that nothing leads from one to the other."""
    return {
        kind: {each: given.get(kind, {}).get(each) or f"{ERASED}-{secrets.token_hex(8)}" for each in known}
        for kind, known in numbers.items()
    }


@dataclass(frozen=True)
class Changed:
    """What became of one table: rows, by build those of a model, and the business dates of a raw table's."""

    rows: int
    builds: dict[int, int]
    days: list[date]


def table(cursor: Any, of: Table, numbers: Numbers) -> Changed:
    """Replace and empty in one table."""
    old = {kind: tuple(known) for kind, known in numbers.items()}
    theirs = person.belongs(of, old)
    new: dict[str, sql.Composable] = {}
    for place in of.columns:
        if (made := _made(place, numbers, theirs)) is not None:
            new[place.name] = made
    for place in (each for each in of.columns if each.fate == "hash"):
        new[place.name] = sql.SQL("case when {} then {} else {} end").format(
            theirs, _hash(of, new), sql.Identifier(place.name)
        )
    marks = [name for name in ("business_date", "build_id") if name in {place.name for place in of.columns}]
    mark = ("build_id" if "build_id" in marks else "business_date") if marks else None
    # First only read, by all the cores that the server gives to it: an update has one. Nobody else writes meanwhile.
    # Whose rows they are, names them, too.
    cursor.execute(sql.SQL("select ctid from {} where {}").format(of.relation, person.names(of, old)))
    found = [place for (place,) in cursor.fetchall()]
    if not found:
        return Changed(0, {}, [])
    statement = sql.SQL("update {} set {} where ctid = any({}::tid[]) returning {}").format(
        of.relation,
        sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), made) for name, made in new.items()),
        sql.Literal(found),
        sql.Identifier(mark) if mark else sql.SQL("null"),
    )
    cursor.execute(statement)
    counts = Counter(each for (each,) in cursor.fetchall())
    raw = of.schema == "sources"
    return Changed(counts.total(), {} if raw or mark != "build_id" else dict(counts), sorted(counts) if raw else [])


def texts(cursor: Any, numbers: Numbers, known: Sequence[str], leave: Sequence[str]) -> dict[str, int]:
    """Replace numbers in the platform's own records (results, notices, reasons); `leave` names tables."""
    flat = {old: new for of_kind in numbers.values() for old, new in of_kind.items()}
    flat |= {value: ERASED for value in known if re.fullmatch(r"[\w-]+", value)}
    # With stars in them they are no words; what is random is nobody else's wherever it stands.
    tokens = sorted(value for value in known if "*" in value and re.fullmatch(rf"[\w*+-]*{SHAPE}", value))
    pattern = rf"(^|[^[:alnum:]_-])({'|'.join(map(escaped, sorted([*flat, *tokens])))})($|[^[:alnum:]_-])"
    cursor.execute(TEXTS, (list(leave),))
    changed: dict[str, int] = {}
    for name, column, data_type in cursor.fetchall():
        text: sql.Composable = sql.SQL("{}::text").format(sql.Identifier(column))
        rest = text
        for token in tokens:
            rest = sql.SQL("replace({}, {}, {})").format(rest, sql.Literal(token), sql.Literal(ERASED))
        cursor.execute(
            sql.SQL("update {} set {} = ({})::{} where {} ~ {}").format(
                sql.Identifier("governance", name), sql.Identifier(column), _pieces(rest, flat), sql.SQL(data_type),
                text, sql.Literal(pattern),
            )
        )  # fmt: skip
        if cursor.rowcount:
            changed[f"governance.{name}"] = changed.get(f"governance.{name}", 0) + cursor.rowcount
    return changed


def quarantine(cursor: Any, numbers: Numbers, known: Sequence[str]) -> tuple[int, list[tuple[str, str, Any]]]:
    """Empty quarantined records that name one of the numbers or values; how many, and of which files they are."""
    sought = Wholes([*(old for of_kind in numbers.values() for old in of_kind), *known])
    cursor.execute(QUARANTINED, (ERASED,))
    by_load: dict[int, list[tuple[int, str]]] = {}
    for load_id, line, raw in cursor.fetchall():
        by_load.setdefault(load_id, []).append((line, raw))
    count, files = 0, []
    if not by_load:
        return count, []
    with db.connect("vault") as link, link.cursor() as opening:
        keys = unlock(opening)
    with db.connect("loader") as link, link.cursor() as opening:
        for load_id, lines in by_load.items():
            clear = store.open_lines(opening, keys, load_id, lines)
            texts_of = (raw.encode(errors="surrogatepass") for raw in clear)
            mine = [line for (line, _), raw in zip(lines, texts_of, strict=True) if sought.are_in(raw)]
            if mine:
                cursor.execute(
                    "update governance.quarantine set raw_text = %s, reason = %s"
                    " where load_id = %s and line_number = any(%s) returning system, table_name, business_date",
                    (ERASED, ERASED, load_id, mine),
                )
                count += cursor.rowcount
                files += cursor.fetchall()
    return count, sorted(set(files))


def said(work: Work, known: Sequence[str], by: str) -> int:
    """Replace numbers and the values `known` in what people said beside the audit chain, which is told the new hashes.

    In a transaction of its own; returns how many were changed. It finds what the search finds, whenever it was said: a
    reason that is given while an erasure is under way is found by the search, and the next run takes the person out.
    """
    sought = Wholes([*work.all, *known])
    instead = {old: new for of_kind in work.numbers.values() for old, new in of_kind.items()}
    hashes: dict[str, dict[str, str]] = defaultdict(dict)
    with db.connect("eraser") as link, link.cursor() as cursor:
        work.stay(cursor)
        cursor.execute("select entry, name, words from audit.said order by 1, 2")
        for entry, name, text in cursor.fetchall():
            if (left := _without(text, sought, instead)) != text:
                hashes[str(entry)][name] = words.change(cursor, entry, name, left)
        if hashes:
            for number in sorted(work.erasures):
                audit.append(link, words.BLACKENED, by, f"erasure {number}", {words.WORDS: hashes})
    return sum(map(len, hashes.values()))


def _without(text: str, sought: Wholes, instead: Mapping[str, str]) -> str:
    data, done, parts = text.encode(), 0, []
    for start, end in sorted(sought.matches(data)):
        if start >= done:
            parts += [data[done:start].decode(), instead.get(data[start:end].decode(), ERASED)]
            done = end
    return "".join([*parts, data[done:].decode()])


def escaped(text: str) -> str:
    """A text as a pattern of Postgres."""
    return re.sub(r"([^\w])", r"\\\1", text)


def _made(place: Place, numbers: Numbers, theirs: sql.Composed) -> sql.Composable | None:
    column = sql.Identifier(place.name)
    if place.kind:
        known = numbers.get(place.kind, {})
        if place.is_mixed:
            flat = {old: new for of_kind in numbers.values() for old, new in of_kind.items()}
            made: sql.Composable = _pieces(column, flat)
        else:
            made = sql.SQL("coalesce({}::jsonb ->> {}, {})").format(_json(known), column, column)
        if not place.is_free:
            return made
        # A number of somebody else's account: the link between the two goes.
        return sql.SQL("case when {} then {} else {} end").format(theirs, _nothing(place), made)
    if place.fate == "empty":
        return sql.SQL("case when {} and {column} is not null then {} else {column} end").format(
            theirs, _nothing(place), column=column
        )
    if place.fate == "year":
        return sql.SQL("case when {} then date_trunc('year', {column}::timestamp)::date else {column} end").format(
            theirs, column=column
        )
    return None


def _nothing(place: Place) -> sql.Composable:
    return sql.SQL("null") if place.is_nullable else sql.Literal(ERASED)


def _hash(of: Table, new: Mapping[str, sql.Composable]) -> sql.Composed:
    # As macro record_hash makes it of a version's attributes: a rebuild gives the same.
    attributes = [
        place
        for place in of.columns
        if place.kind != CUSTOMER
        and place.fate != "hash"
        and place.name != EFFECTIVE
        and place.data_class != "platform"
    ]
    return sql.SQL("md5(concat_ws(chr(31), {}))").format(
        sql.SQL(", ").join(
            sql.SQL("coalesce(({})::text, chr(30))").format(new.get(place.name, sql.Identifier(place.name)))
            for place in attributes
        )
    )


def _pieces(text: sql.Composable, known: Mapping[str, str]) -> sql.Composed:
    return sql.SQL(PIECES).format(text=text, known=_json(known))


def _json(known: Mapping[str, str]) -> sql.Composable:
    return sql.Literal(json.dumps(known))
