"""What is planted in a table is found in the server's own files, however the server has written it there."""

from __future__ import annotations

import pytest
from psycopg2 import sql

from bankmart import db, settings
from bankmart.governance.people.erasure.search import heap_files, residue

NUMBER = "1000012345"
OTHER = "generate_series(1, 3000) as n"
PLANTED = {
    "as_text": f"select n, 'number ' || n as said from {OTHER} union all select 0, 'call {NUMBER}, please'",
    "as_a_bigint": f"select 'a' as a, n::bigint as number from {OTHER} union all select 'b', {NUMBER}",
    "as_an_integer": f"select n, 'a' as a from {OTHER} union all select {NUMBER}, 'b'",
    "compressed": f"select n, n::text as said from {OTHER} union all select 0, repeat('so it is. ', 900) || '{NUMBER}'",
    "compressed_elsewhere": "select said from marts.rows_before",
    "out_of_line": f"select 0 as n, string_agg(md5(n::text), ' ') || ' {NUMBER}' as said from {OTHER}",
    "as_json": f"select n, jsonb_build_object('n', n) as said from {OTHER} union all"
               f" select 0, jsonb_build_object('n', {NUMBER})",
    "of_another": f"select n, '{NUMBER}' || n as said from {OTHER} union all select 0, 'A{NUMBER}'",
    "deleted": f"select n, n::text as said from {OTHER} union all select 0, '{NUMBER}'",
    "updated": f"select n, n::text as said from {OTHER} union all select 0, '{NUMBER}'",
    "empty": "select '' as said limit 0",
}  # fmt: skip
NOT_LEFT = {"of_another", "deleted", "updated", "empty"}
BY_FILES = {*PLANTED} - {"out_of_line", "as_json", "empty"}


@pytest.fixture
def planted(warehouse):
    with db.connect("platform") as link, link.cursor() as cursor:
        # Compressed where the row is long, it stays so in a short one.
        cursor.execute("create table marts.rows_before as select repeat('a', n) || %s as said from"
                       " (values (400)) as few (n)", (f" {NUMBER} " + "b" * 2500,))  # fmt: skip
        cursor.execute("select pg_column_compression(said) from marts.rows_before")
        assert db.one(cursor) == ("pglz",)
        for name, rows in PLANTED.items():
            cursor.execute(sql.SQL("create table marts.{} as {}").format(sql.Identifier(name), sql.SQL(rows)))
        cursor.execute("drop table marts.rows_before")
        cursor.execute("delete from marts.deleted where n = 0")
        cursor.execute("update marts.updated set said = 'nobody' where n = 0")


@pytest.mark.parametrize("by_files", [True, False])
def test_what_is_left_is_found_and_what_nobody_sees_is_not(planted, monkeypatch, by_files):
    read, rows = set(), heap_files.rows
    monkeypatch.setattr(residue, "SMALL", 1)
    if not by_files:
        # As with a server on another machine.
        monkeypatch.setattr(heap_files, "are_here", lambda: False)

    def noted(paths, finder):
        found = rows(paths, finder)
        # Else the whole table would be read, and nothing was seen in its files.
        assert found.sought is not None
        assert found.packed is not None
        read.add(paths[0].name)
        return found

    monkeypatch.setattr(heap_files, "rows", noted)
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute("select relname, relfilenode::text from pg_class where relnamespace = 'marts'::regnamespace")
        files = dict(cursor.fetchall())
    found = {each.place.rpartition(".")[2] for each in residue.databases(residue.Search([NUMBER, "C77"]))}
    assert found == {*PLANTED} - NOT_LEFT
    assert {name for name in PLANTED if files[name] in read} == (BY_FILES if by_files else set())


def test_a_table_of_many_pages_and_files(planted, monkeypatch):
    """Rows are found at their places, in each of a table's files."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("create table marts.many as select n, case when n %% 1000 = 7 then %s else 'x' || n end as said"
                       " from generate_series(1, 20000) as n", (NUMBER,))  # fmt: skip
        cursor.execute("select ctid::text from marts.many where said = %s", (NUMBER,))
        wanted = {place for (place,) in cursor.fetchall()}
        cursor.execute("select pg_relation_filepath('marts.many')")
        (path,) = db.one(cursor)
    residue._write_out(settings.WAREHOUSE)
    monkeypatch.setattr(heap_files, "BLOCK", 4 * heap_files.PAGE)
    whole = heap_files.files(path)[0]
    finder = residue.Search([NUMBER]).stored
    assert {f"({page},{line})" for page, line in heap_files.rows([whole], finder).sought} == wanted
    with monkeypatch.context() as few:
        few.setattr(heap_files, "MOST", 5)
        assert heap_files.rows([whole], finder) == heap_files.Rows(None, [])
    monkeypatch.setattr(heap_files, "SEGMENT", 1000)
    assert {page for page, _ in heap_files.rows([whole, whole], finder).sought} == {
        offset + int(place[1:].split(",")[0]) for place in wanted for offset in (0, 1000)
    }
