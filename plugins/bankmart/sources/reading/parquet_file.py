"""A Parquet file, some rows at a time, as the same columns of text that a CSV file gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bankmart.sources.contract import Table
from bankmart.sources.reading.csv_file import Chunk
from bankmart.sources.reading.values import MOMENT, kind
from bankmart.sources.refusal import LoadRefused

ROWS = 32_768


class ParquetReader:
    """Reads the columns of one file. Raises LoadRefused where it is no Parquet file."""

    def __init__(self, source: BinaryIO, where: str) -> None:
        """`source` is a file that can be searched; `where` names it in messages."""
        self.where = where
        try:
            self._file = pq.ParquetFile(source, buffer_size=1 << 20, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None
        self.header: list[str] = self._file.schema_arrow.names

    def check_types(self, table: Table) -> None:
        """Raises LoadRefused where a column's type cannot hold what the contract says without a loss."""
        for column in table.columns:
            found = self._file.schema_arrow.field(column.name).type
            if not _fits(found, kind(column.data_type)):
                raise LoadRefused(
                    f"{self.where}, column {column.name}",
                    "type",
                    f"the column is {found} in the file, the contract says {column.data_type}",
                    f"write the column as {_EXPECTED[kind(column.data_type)]} and send the file again.",
                )

    def __iter__(self) -> Iterator[Chunk]:
        """Every row of the file, in its order."""
        first = 1
        try:
            for batch in self._file.iter_batches(ROWS, use_threads=False):
                yield self._chunk(batch, first)
                first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None

    def _chunk(self, batch: pa.RecordBatch, first: int) -> Chunk:
        def locate(rows: list[int]) -> list[tuple[int, str]]:
            taken = pa.RecordBatch.from_arrays([column.take(rows) for column in texts.values()], names=list(texts))
            return [
                (first + row, json.dumps(record, ensure_ascii=False))
                for row, record in zip(rows, taken.to_pylist(), strict=True)
            ]

        texts = {name: _text(batch.column(at)) for at, name in enumerate(self.header)}
        return Chunk(texts, batch.num_rows, locate)

    def _broken(self, error: Exception) -> LoadRefused:
        kind_of_error = type(error).__name__
        what = f"it cannot be read as Parquet ({kind_of_error})"
        return LoadRefused(self.where, "format", what, "write the file again, or state its format in the manifest.")


_EXPECTED = {
    "text": "string",
    "numeric": "decimal (or a whole number)",
    "integer": "a whole number",
    "bigint": "a whole number",
    "double precision": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamptz": "timestamp",
}


def _fits(found: pa.DataType, wanted: str) -> bool:
    plain = found.value_type if pa.types.is_dictionary(found) else found
    is_ = pa.types
    if is_.is_null(plain):
        return True
    fits: dict[str, bool] = {
        "text": is_.is_string(plain) or is_.is_large_string(plain),
        "numeric": is_.is_decimal(plain) or is_.is_integer(plain),
        "integer": is_.is_integer(plain),
        "bigint": is_.is_integer(plain),
        "double precision": is_.is_floating(plain) or is_.is_integer(plain),
        "boolean": is_.is_boolean(plain),
        "date": is_.is_date(plain),
        "timestamptz": is_.is_timestamp(plain),
    }
    return fits[wanted]


def _text(column: pa.Array) -> pa.StringArray:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        zone = "Z" if column.type.tz else ""
        plain = pc.cast(column.view(pa.timestamp(column.type.unit)), MOMENT, safe=False)
        return pc.binary_join_element_wise(pc.cast(plain, pa.string()), zone, "")
    texts = pc.cast(column, pa.string())
    return pc.if_else(pc.equal(texts, ""), None, texts) if pa.types.is_string(texts.type) else texts
