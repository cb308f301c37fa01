"""What a version's MLflow signature promises to be given, and whether the warehouse's tables still give it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ml.data.columns import IS, NUMERIC, TEXT, column_of, column_types
from ml.errors import ArtefactRefused, DataError
from ml.spec import Spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection

# MLflow's type → the types of Postgres that can be read as it.
FITTING = {"double": NUMERIC, "string": TEXT}


def inputs(folder: Path) -> dict[str, str]:
    """Input → MLflow's type, of the signature logged in a model's folder; nothing where it has none.

    Raises ArtefactRefused where it can't be read.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    try:
        signature = Model.load(str(folder)).signature
    except (MlflowException, OSError, ValueError, TypeError, KeyError) as error:
        raise ArtefactRefused(f"The model's signature can't be read: {error}. Train and promote again.") from error
    if signature is None:
        return {}
    return {one.name: one.type.name for one in signature.inputs.inputs}


def refuse_unsigned(spec: Spec, features: tuple[str, ...], signed: dict[str, str], what: str) -> None:
    """Raise ArtefactRefused where a model reads a column of the spec that its signature doesn't name."""
    if unsigned := [name for name in features if name in spec.features and name not in signed]:
        raise ArtefactRefused(
            f"{what} reads {', '.join(unsigned)}, which its signature doesn't name: its files aren't of one model."
            " Train and promote again."
        )


def refuse_drift(link: connection, spec: Spec, signed: dict[str, str], what: str) -> None:
    """Raise DataError where a column that the signature names is missing from the tables, or of another type."""
    tables = [table for table in spec.tables if table != spec.label_table]
    types: dict[str, str] = {}
    for table in tables:
        types = column_types(link, table) | types
    where = " or ".join(".".join(table) for table in tables)
    wrong = differences(types, {name: kind for name, kind in signed.items() if name in spec.features})
    if wrong:
        raise DataError(
            f"{where} {'; '.join(wrong)}: the signature of {what} is not kept. Nothing was written. Put the feature's"
            " model right, or train a version on the columns as they are."
        )


def differences(types: dict[str, str], signed: dict[str, str]) -> list[str]:
    """What of the signature the columns (name → Postgres type) don't keep, in words."""
    said = []
    if missing := [name for name in signed if column_of(name) not in types]:
        said.append(f"lacks {', '.join(missing)}")
    for name, kind in signed.items():
        there = types.get(column_of(name))
        # A category's level is a number that is made of a word.
        if there and there not in (TEXT if IS in name else FITTING.get(kind, ())):
            said.append(f"has {name} as {there}, promised was {'text' if IS in name else kind}")
    return said
