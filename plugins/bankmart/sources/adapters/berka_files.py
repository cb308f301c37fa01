"""The eight PKDD'99 files as they are: columns, the form of a field, references between files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv as pa_csv

from bankmart.errors import BankmartError
from bankmart.sources.refusal import mask

ID, WORD, ANY, DATE = r"\d+", r".*\S.*", r".*", r"\d{6}"
AMOUNT, SIGNED, STATISTIC = r"\d{1,16}(\.\d{1,2})?", r"-?\d{1,16}(\.\d{1,2})?", r"\?|\d{1,9}(\.\d{1,4})?"

FILES: dict[str, dict[str, str]] = {
    "district": {"A1": ID, "A2": WORD, "A3": WORD} | {f"A{n}": STATISTIC for n in range(4, 17)},
    "client": {"client_id": ID, "birth_number": DATE, "district_id": ID},
    "account": {"account_id": ID, "district_id": ID, "frequency": WORD, "date": DATE},
    "disp": {"disp_id": ID, "client_id": ID, "account_id": ID, "type": WORD},
    "loan": {
        "loan_id": ID, "account_id": ID, "date": DATE, "amount": AMOUNT,
        "duration": r"[1-9]\d{0,3}", "payments": AMOUNT, "status": WORD,
    },
    "card": {"card_id": ID, "disp_id": ID, "type": WORD, "issued": DATE + " 00:00:00"},
    "order": {
        "order_id": ID, "account_id": ID, "bank_to": ANY, "account_to": ANY, "amount": AMOUNT,
        "k_symbol": ANY,
    },
    "trans": {
        "trans_id": ID, "account_id": ID, "date": DATE, "type": WORD, "operation": ANY, "amount": AMOUNT,
        "balance": SIGNED, "k_symbol": ANY, "bank": ANY, "account": ANY,
    },
}  # fmt: skip
REFERENCES = (
    ("client", "district_id", "district"),
    ("account", "district_id", "district"),
    ("disp", "client_id", "client"),
    ("disp", "account_id", "account"),
    ("loan", "account_id", "account"),
    ("card", "disp_id", "disp"),
    ("order", "account_id", "account"),
    ("trans", "account_id", "account"),
)
PERSONAL = ("birth_number", "client_id", "account_id", "account", "account_to")  # masked in messages
ORIGINAL = "Take the file as it was published for the PKDD'99 challenge."


class BerkaError(BankmartError):
    """The files are not what the adapter can turn into extracts: says file, line, column and what to do."""


def read_all(source: Path) -> dict[str, pd.DataFrame]:
    """All eight files as text; the index of each frame is the line number in its file.

    Raises BerkaError for a missing file, a wrong header, a field out of form, a key given twice and a
    reference to nowhere.
    """
    missing = [f"{name}.asc" for name in FILES if not (source / f"{name}.asc").is_file()]
    if missing:
        raise BerkaError(f"{source} has no {', '.join(missing)}. Give the folder with all eight .asc files.")
    raw = {name: _read(source, name) for name in FILES}
    for name, frame in raw.items():
        key = next(iter(FILES[name]))
        refuse(name, frame[key], frame[key].duplicated(), f"is given twice. Keep one line for each {key}.")
    for name, column, target in REFERENCES:
        known = raw[target].iloc[:, 0]
        remedy = f"is not in {target}.asc. Take all eight files from one copy of the data."
        refuse(name, raw[name][column], ~raw[name][column].isin(known), remedy)
    return raw


def refuse(name: str, values: pd.Series, is_wrong: pd.Series, message: str) -> None:
    """Raise BerkaError for the first value that is wrong, if there is one; `values` is indexed by line."""
    if is_wrong.any():
        line, value = values.index[is_wrong][0], str(values[is_wrong].iloc[0])
        shown = mask(value) if values.name in PERSONAL else repr(value[:40])
        raise BerkaError(f"{name}.asc, line {line}, column {values.name}: {shown} {message}")


def to_date(name: str, values: pd.Series) -> pd.Series:
    """YYMMDD as dates of the 1900s; raises BerkaError for a day that the calendar does not have."""
    dates = pd.to_datetime("19" + values.str.slice(0, 6), format="%Y%m%d", errors="coerce")
    refuse(name, values, dates.isna(), f"is not a date (YYMMDD). {ORIGINAL}")
    return dates


def _read(source: Path, name: str) -> pd.DataFrame:
    path, patterns = source / f"{name}.asc", FILES[name]
    first = path.open("rb").readline(4096).decode("utf-8", "replace").strip("\r\n\ufeff")
    header = [field.strip('"') for field in first.split(";")]
    if header != list(patterns):
        expected = ";".join(patterns)
        raise BerkaError(f"{name}.asc, line 1: the header is {first[:120]!r}, not {expected}. {ORIGINAL}")
    wrong: list[pa_csv.InvalidRow] = []

    def keep(row: pa_csv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    try:
        text = pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(use_threads=False),  # only so are lines numbered
            parse_options=pa_csv.ParseOptions(delimiter=";", ignore_empty_lines=False, invalid_row_handler=keep),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(patterns, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise BerkaError(f"{name}.asc can't be read as UTF-8 text: {error}. {ORIGINAL}") from error
    if wrong:
        row = wrong[0]
        raise BerkaError(
            f"{name}.asc, line {row.number}: {row.actual_columns} fields instead of {row.expected_columns}. {ORIGINAL}"
        )
    frame: pd.DataFrame = text.to_pandas()
    frame.columns = list(patterns)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    for column, pattern in patterns.items():
        if pattern != ANY:
            remedy = f"is not what this column holds (pattern {pattern}). {ORIGINAL}"
            refuse(name, frame[column], ~frame[column].str.fullmatch(pattern), remedy)
    return frame
