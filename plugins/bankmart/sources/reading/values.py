"""Text fields into typed values, a column at a time; a text that is not of its type becomes null.

What is accepted means the same to Postgres: characters that only Arrow understands are refused first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankmart.sources.contract import NUMERIC

EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)
MOMENT = pa.timestamp("us")
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
CHARACTERS = {"numeric": b"0123456789.-", "integer": b"0123456789-", "bigint": b"0123456789-",
              "double precision": b"0123456789.-+eE"}  # fmt: skip
# A text that matches is certainly castable; one that does not is tried by itself.
SURE = {
    "numeric": r"^$",
    "integer": r"^-?\d{1,9}$",
    "bigint": r"^-?\d{1,18}$",
    "double precision": r"^-?\d{1,15}(\.\d{1,15})?$",
    "boolean": r"^(true|false)$",
    "date": r"^(19|20|21)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])$",
    "timestamptz": r"^(19|20|21)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(\.\d{1,6})?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?$",
}
HINTS = {
    "numeric": "digits with a point, no thousands separator, within precision and scale",
    "integer": "whole digits, -2147483648 to 2147483647",
    "bigint": "whole digits, within 64 bits",
    "double precision": "a finite number such as 0.25 or 1.5e-3",
    "boolean": "true or false (also t/f, yes/no, y/n, 1/0)",
    "date": "a day of the calendar as YYYY-MM-DD, 1900 to 2200",
    "timestamptz": "YYYY-MM-DD HH:MM:SS, 1900 to 2200, at most six decimals, with or without Z or +08:00",
}


def arrow_type(data_type: str) -> pa.DataType:
    """The Arrow type of a contract type; a timestamptz is held as microseconds without its zone."""
    if numeric := NUMERIC.fullmatch(data_type):
        return pa.decimal128(int(numeric[1]), int(numeric[2]))
    return {
        "text": pa.string(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "double precision": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamptz": MOMENT,
    }[data_type]


def kind(data_type: str) -> str:
    """The type without its precision."""
    return "numeric" if data_type.startswith("numeric") else data_type


def parse(texts: pa.StringArray, data_type: str) -> tuple[pa.Array, pa.StringArray]:
    """Typed values of one column, and the texts to send to Postgres; a value is null where its text is wrong.

    As values, moments are UTC, or local where they have no zone; the texts say which.
    """
    if data_type == "text":
        return texts, texts
    to, sure = _cast(data_type), SURE[kind(data_type)]
    if numeric := NUMERIC.fullmatch(data_type):
        precision, scale = int(numeric[1]), int(numeric[2])
        sure = rf"^-?\d{{1,{precision - scale}}}" + (rf"(\.\d{{1,{scale}}})?$" if scale else "$")
    try:
        values = to(texts)
    except pa.ArrowInvalid:
        texts = _castable(texts, to, sure)
        values = to(texts)
    values = _within(values, data_type)
    if data_type == "timestamptz":
        return values, _moment_texts(values, texts)
    if data_type == "double precision":
        return values, pc.cast(values, pa.string())
    return values, texts


def data(array: pa.StringArray) -> bytes:
    """The bytes of all values of a text column, one after the other."""
    if array.null_count:  # what became null may still lie in the buffer
        array = array.drop_null()
    if not len(array) or array.buffers()[2] is None:
        return b""
    ends = offsets(array)
    return bytes(memoryview(array.buffers()[2])[ends[0] : ends[-1]])


def offsets(array: pa.StringArray) -> np.ndarray:
    """Where each value starts in the column's data buffer, and where the last one ends: int32, length + 1."""
    return np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]


def _cast(data_type: str) -> Callable[[pa.StringArray], pa.Array]:
    if data_type == "boolean":
        return _booleans
    if data_type == "timestamptz":
        return _moments
    target, allowed = arrow_type(data_type), CHARACTERS.get(kind(data_type))

    def cast(texts: pa.StringArray) -> pa.Array:
        if allowed and data(texts).translate(None, allowed):
            raise pa.ArrowInvalid("other characters than a number's")
        return pc.cast(texts, target)

    return cast


def _booleans(texts: pa.StringArray) -> pa.Array:
    words = pc.ascii_lower(texts)
    is_true = pc.is_in(words, value_set=pa.array(TRUE))
    known = pc.or_(is_true, pc.is_in(words, value_set=pa.array(FALSE)))
    if not pc.all(pc.or_(known, pc.is_null(texts)), min_count=0).as_py():
        raise pa.ArrowInvalid("no boolean")
    return pc.if_else(known, is_true, None)


def _moments(texts: pa.StringArray) -> pa.Array:
    try:
        return pc.cast(texts, MOMENT)
    except pa.ArrowInvalid:
        pass
    zoned = pc.if_else(_has_zone(texts), texts, None)
    local = pc.if_else(_has_zone(texts), None, texts)
    return pc.coalesce(pc.cast(zoned, pa.timestamp("us", "UTC")).view(MOMENT), pc.cast(local, MOMENT))


def _has_zone(texts: pa.StringArray) -> pa.Array:
    return pc.match_substring_regex(texts, r"[ T].*[Z+-]")


def _moment_texts(values: pa.Array, texts: pa.StringArray) -> pa.StringArray:
    raw = data(texts)
    is_local = b"Z" not in raw and b"+" not in raw and raw.count(b"-") == 2 * (len(texts) - texts.null_count)
    # With minutes and without a zone Postgres reads what Arrow reads.
    if is_local and (pc.min(pc.binary_length(texts)).as_py() or 0) >= len("2026-01-31 10:00"):
        return pc.if_else(pc.is_valid(values), texts, None)
    plain = pc.cast(values, pa.string())
    zone = pc.if_else(_has_zone(texts), "+00", "")
    return pc.binary_join_element_wise(plain, zone, "")


def _castable(texts: pa.StringArray, to: Callable[[pa.StringArray], pa.Array], sure: str) -> pa.StringArray:
    suspects = pc.unique(texts.filter(pc.invert(pc.match_substring_regex(texts, sure))))
    wrong = []
    for position in range(len(suspects)):
        try:
            to(suspects.slice(position, 1))
        except pa.ArrowInvalid:
            wrong.append(suspects[position])
    return pc.if_else(pc.is_in(texts, value_set=pa.array(wrong, pa.string())), None, texts)


def _within(values: pa.Array, data_type: str) -> pa.Array:
    if data_type == "double precision":
        return pc.if_else(pc.is_finite(values), values, None)
    if data_type in ("date", "timestamptz"):
        low, high = (pc.cast(pa.scalar(day), values.type) for day in (EARLIEST, date(LATEST.year + 1, 1, 1)))
        return pc.if_else(pc.and_(pc.greater_equal(values, low), pc.less(values, high)), values, None)
    return values
