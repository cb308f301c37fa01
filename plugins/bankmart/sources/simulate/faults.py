"""Faults of the last daily extract: what a sender really gets wrong, each by its name.

Where a fault is about a file's content, its manifest is made to agree in everything else, so that only that
fault can be found.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from bankmart.sources import landing

TRANSACTION = ("core_banking", "transaction")
PRODUCT = ("core_banking", "product")
HUGE = 10 * 1024 * 1024
FAR_FUTURE = "2099-12-31"
Rows = list[list[str]]

FAULTS: dict[str, str] = {
    "empty_file": "the transaction file has no bytes; its manifest states rows",
    "header_only": "the transaction file has only its header; its manifest states rows",
    "missing_column": "transaction lacks column purpose",
    "extra_column": "transaction has a column teller_note that the contract doesn't know",
    "renamed_column": "transaction's amount is called amt",
    "reordered_column": "transaction's columns come in reverse order",
    "wrong_delimiter": "transaction is separated by semicolons; its manifest says comma",
    "wrong_encoding": "product is in GB18030; its manifest says UTF-8",
    "nul_byte": "one transaction's channel holds a NUL byte",
    "thousands_separator": "transaction's amounts are written as 1,234.50",
    "impossible_date": "one transaction was booked on 30 February",
    "duplicate_key": "one transaction comes twice",
    "orphan_key": "one transaction belongs to an account that was never delivered",
    "huge_field": "one transaction's counterparty_bank is 10 MB long",
    "manifest_absent": "the transaction file has no manifest, as while it is still being written",
    "checksum_mismatch": "one digit of the transaction file changed after its manifest was made",
    "row_count_mismatch": "transaction's manifest states one row more than there are",
    "control_total_mismatch": "transaction's manifest states a sum of amounts that is one cent too high",
    "two_files": "the transaction folder holds a second data file",
    "future_date": "one transaction was booked a year after the business date",
    "future_business_date": "a transaction extract lies under 2099-12-31",
    "truncated_file": "the transaction file ends in the middle of a row, as after a broken transfer",
    "missing_table": "there is no transaction extract for the day",
    "quoted_newline": "one transaction's counterparty_bank holds quotes and a line break (this one is valid)",
    "sql_fragment": "one transaction's counterparty_bank is a fragment of SQL (this one is valid)",
    "empty_key": "one transaction has no number",
    "unknown_value": "one transaction's direction is sideways",
    "unreadable_amount": "one transaction's amount is 12.5O, with a letter O",
    "no_number": "one transaction's amount is NaN",
    "infinite_amount": "one transaction's amount is Infinity",
    "too_large_amount": "one transaction's amount has 25 digits",
    "too_exact_amount": "one transaction's amount has four decimals",
    "unclosed_quote": "one transaction's counterparty_bank opens a quote that nothing closes, so that it swallows rows",
    "short_row": "one transaction lacks its last two fields",
    "long_row": "one transaction has two fields more",
    "second_header": "the header comes again among the transactions",
    "column_twice": "transaction's header names amount twice",
    "manifest_no_json": "transaction's manifest ends in its middle",
    "manifest_elsewhere": "transaction's manifest names a file of another folder",
    "yesterdays_file": "the file of the day before comes again, under this date",
}


def inject(name: str, root: Path, business_date: date) -> None:
    """Put one fault into a business date's extracts under `root`; raises KeyError for an unknown name."""
    system, table = PRODUCT if name == "wrong_encoding" else TRANSACTION
    place = landing.folder(root, system, table, business_date)
    if name in _ROWS:
        _rewrite(place, lambda rows: _ROWS[name](rows, business_date), keep_count=name == "header_only")
    else:
        _FILES[name](place)


def _rewrite(place: Path, change: Callable[[Rows], Rows], *, keep_count: bool, delimiter: str = ",") -> None:
    """Change a CSV file's rows (the header is the first), and make its manifest agree."""
    manifest = _manifest(place)
    path = place / manifest.file
    before = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    rows = change([list(row) for row in before])
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    count = manifest.row_count if keep_count else len(rows) - 1
    totals = manifest.control_totals
    if not keep_count and "amount" in rows[0]:
        place_of = rows[0].index("amount")
        totals = {"amount": str(sum((_amount(row[place_of]) for row in rows[1:]), Decimal(0)))}
    _state(place, replace(manifest, row_count=count, control_totals=totals, sha256=landing.sha256(path)))


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _manifest(place: Path) -> landing.Manifest:
    return landing.Manifest(**json.loads((place / landing.MANIFEST).read_text(encoding="utf-8")))


def _state(place: Path, manifest: landing.Manifest) -> None:
    (place / landing.MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def _set(column: str, value: str | Callable[[str], str], *, everywhere: bool = False) -> Callable[[Rows, date], Rows]:
    """A change of one column: in the middle row, or in all rows."""

    def change(rows: Rows, _: date) -> Rows:
        place = rows[0].index(column)
        chosen = rows[1:] if everywhere else [rows[(len(rows) + 1) // 2]]
        for row in chosen:
            row[place] = value(row[place]) if callable(value) else value
        return rows

    return change


def _drop(rows: Rows, _: date) -> Rows:
    place = rows[0].index("purpose")
    return [row[:place] + row[place + 1 :] for row in rows]


def _rename(rows: Rows, _: date) -> Rows:
    return [["amt" if name == "amount" else name for name in rows[0]], *rows[1:]]


def _book_later(rows: Rows, business_date: date) -> Rows:
    return _set("transaction_date", (business_date + timedelta(days=365)).isoformat())(rows, business_date)


_ROWS: dict[str, Callable[[Rows, date], Rows]] = {
    "header_only": lambda rows, _: rows[:1],
    "missing_column": _drop,
    "extra_column": lambda rows, _: [[*row, "teller_note" if i == 0 else "x"] for i, row in enumerate(rows)],
    "renamed_column": _rename,
    "reordered_column": lambda rows, _: [row[::-1] for row in rows],
    "nul_byte": _set("channel", "mob\0ile"),
    "thousands_separator": _set("amount", lambda amount: f"{Decimal(amount):,}", everywhere=True),
    "impossible_date": _set("transaction_date", "2026-02-30"),
    "duplicate_key": lambda rows, _: [*rows, list(rows[1])],
    "orphan_key": _set("account_id", "9999999999999999"),
    "huge_field": _set("counterparty_bank", "x" * HUGE),
    "future_date": _book_later,
    "quoted_newline": _set("counterparty_bank", 'the "other"\nbank'),
    "sql_fragment": _set("counterparty_bank", "'); drop table sources.core_banking__transaction; --"),
    "empty_key": _set("transaction_id", ""),
    "unknown_value": _set("direction", "sideways"),
    "unreadable_amount": _set("amount", "12.5O"),
    "no_number": _set("amount", "NaN"),
    "infinite_amount": _set("amount", "Infinity"),
    "too_large_amount": _set("amount", "9" * 25),
    "too_exact_amount": _set("amount", "1.2345"),
    "short_row": lambda rows, _: [*rows[:2], rows[2][:-2], *rows[3:]],
    "long_row": lambda rows, _: [*rows[:2], [*rows[2], "x", "y"], *rows[3:]],
    "second_header": lambda rows, _: [*rows[:2], rows[0], *rows[2:]],
    "column_twice": lambda rows, _: [[*row, row[rows[0].index("amount")]] for row in rows],
}


def _empty(place: Path) -> None:
    manifest = _manifest(place)
    (place / manifest.file).write_bytes(b"")
    _state(place, replace(manifest, sha256=landing.sha256(place / manifest.file)))


def _encode(place: Path) -> None:
    manifest = _manifest(place)
    path = place / manifest.file
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    _state(place, replace(manifest, sha256=landing.sha256(path)))


def _spoil(place: Path) -> None:
    path = place / _manifest(place).file
    content = bytearray(path.read_bytes())
    last = max(content.rfind(bytes([digit])) for digit in b"0123456789")
    content[last] = ord("1") if content[last] != ord("1") else ord("2")
    path.write_bytes(bytes(content))


def _count_wrong(place: Path) -> None:
    manifest = _manifest(place)
    _state(place, replace(manifest, row_count=manifest.row_count + 1))


def _sum_wrong(place: Path) -> None:
    manifest = _manifest(place)
    totals = {name: str(Decimal(total) + Decimal("0.01")) for name, total in manifest.control_totals.items()}
    _state(place, replace(manifest, control_totals=totals))


def _truncate(place: Path) -> None:
    path = place / _manifest(place).file
    content = path.read_bytes()
    cut = content.rfind(b"\n", 0, len(content) * 2 // 3)
    path.write_bytes(content[: cut + 12])


def _open_quote(place: Path) -> None:
    manifest = _manifest(place)
    path = place / manifest.file
    lines = path.read_text(encoding="utf-8").split("\n")
    middle = len(lines) // 2
    before, _, after = lines[middle].rpartition(",")
    lines[middle] = f'{before},"{after}'
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    _state(place, replace(manifest, sha256=landing.sha256(path)))


def _again(place: Path) -> None:
    before = place.with_name((date.fromisoformat(place.name) - timedelta(days=1)).isoformat())
    for path in before.iterdir():
        shutil.copyfile(path, place / path.name)


def _cut_manifest(place: Path) -> None:
    path = place / landing.MANIFEST
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")


def _copy_file(place: Path) -> None:
    path = place / _manifest(place).file
    shutil.copyfile(path, path.with_name(f"{path.stem}_2{path.suffix}"))


_FILES: dict[str, Callable[[Path], object]] = {
    "empty_file": _empty,
    "wrong_delimiter": lambda place: _rewrite(place, lambda rows: rows, keep_count=False, delimiter=";"),
    "wrong_encoding": _encode,
    "manifest_absent": lambda place: (place / landing.MANIFEST).unlink(),
    "checksum_mismatch": _spoil,
    "row_count_mismatch": _count_wrong,
    "control_total_mismatch": _sum_wrong,
    "two_files": _copy_file,
    "future_business_date": lambda place: shutil.copytree(place, place.with_name(FAR_FUTURE), dirs_exist_ok=True),
    "truncated_file": _truncate,
    "missing_table": shutil.rmtree,
    "unclosed_quote": _open_quote,
    "manifest_no_json": _cut_manifest,
    "manifest_elsewhere": lambda place: _state(place, replace(_manifest(place), file="../../product/product.csv")),
    "yesterdays_file": _again,
}
