"""Landing files: `<landing>/<system>/<table>/<business_date>/` with one data file and its manifest."""

from __future__ import annotations

import codecs
import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from bankmart.sources.contract import Table
from bankmart.sources.reading.values import arrow_type

MANIFEST = "_manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What the sender says of one data file: its name, shape and totals."""

    file: str
    format: str
    row_count: int
    sha256: str
    control_totals: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str = ","
    timezone: str = "UTC"  # of moments that are written without a zone


def folder(landing: Path, system: str, table: str, business_date: date) -> Path:
    """The folder of one extract."""
    return landing / system / table / business_date.isoformat()


def write_extract(
    landing: Path,
    table: Table,
    business_date: date,
    rows: pa.Table,
    *,
    file_format: str = "csv",
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Path:
    """Write one extract as a bank would: the data file first, the manifest last (so it is never half there).

    `rows` has the contract's columns; returns the folder.
    """
    stream = ExtractStream(landing, table, business_date, file_format, delimiter, encoding)
    stream.write(rows)
    return stream.close()


class ExtractStream:
    """One extract written in pieces, for tables that don't fit into memory; `close` writes the manifest."""

    def __init__(
        self,
        landing: Path,
        table: Table,
        business_date: date,
        file_format: str = "csv",
        delimiter: str = ",",
        encoding: str = "utf-8",
    ) -> None:
        self.table, self.encoding, self.delimiter = table, encoding, delimiter
        self.place = folder(landing, table.system, table.name, business_date)
        self.path = self.place / f"{table.name}.{file_format}"
        self.row_count = 0
        self.totals = dict.fromkeys(table.totals, Decimal(0))
        self._writer: pa_csv.CSVWriter | pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Append rows; the first piece sets the columns' types."""
        rows = rows.select([column.name for column in self.table.columns])
        for position, column in enumerate(self.table.columns):
            if column.data_type.startswith("numeric") and not pa.types.is_decimal(rows[column.name].type):
                wanted = arrow_type(column.data_type)
                wide = pc.cast(rows[column.name], pa.decimal128(38, wanted.scale), safe=False)
                rows = rows.set_column(position, column.name, pc.cast(wide, wanted))
        if self._writer is None:
            self._writer = self._open(rows.schema)
        if rows.num_rows:
            self._writer.write_table(rows)
        self.row_count += rows.num_rows
        for name in self.totals:
            self.totals[name] += Decimal(str(pc.sum(rows[name]).as_py() or 0))

    def close(self) -> Path:
        """Finish the data file, write its manifest; returns the folder. Needs at least one `write`."""
        if self._writer is None:
            raise ValueError(f"{self.path}: nothing was written; write an empty table to get a header")
        self._writer.close()
        is_text = self.path.suffix == ".csv"
        if is_text and codecs.lookup(self.encoding).name != "utf-8":
            self.path.write_bytes(self.path.read_bytes().decode("utf-8").encode(self.encoding))
        manifest = Manifest(
            file=self.path.name,
            format=self.path.suffix[1:],
            row_count=self.row_count,
            sha256=sha256(self.path),
            control_totals={name: str(total) for name, total in self.totals.items()},
            encoding=self.encoding,
            delimiter=self.delimiter,
        )
        write_manifest(self.place, manifest)
        return self.place

    def _open(self, schema: pa.Schema) -> pa_csv.CSVWriter | pq.ParquetWriter:
        self.place.mkdir(parents=True, exist_ok=True)
        # A file that is being written again has no manifest meanwhile.
        (self.place / MANIFEST).unlink(missing_ok=True)
        if self.path.suffix == ".parquet":
            return pq.ParquetWriter(self.path, schema)
        return pa_csv.CSVWriter(self.path, schema, write_options=pa_csv.WriteOptions(delimiter=self.delimiter))


def write_manifest(place: Path, manifest: Manifest) -> None:
    """Put a manifest beside its data file, whole or not at all."""
    draft = place / f".{MANIFEST}"
    draft.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    draft.replace(place / MANIFEST)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
