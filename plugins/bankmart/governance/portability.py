"""How far the models are from another engine: each compiled model is transpiled from Postgres to Spark."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlglot
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError

from bankmart import dbt


def compiled_models() -> dict[str, str]:
    """Model → its compiled SQL. Needs the database: dbt compiles with a connection.

    Raises DbtError where dbt can't compile.
    """
    variables: dict[str, Any] = {"business_date": date.today().isoformat()}
    result = dbt.invoke(["compile", "--select", "resource_type:model", "--log-level", "none"], variables)
    if not result.success:
        raise dbt.DbtError(f"dbt could not compile the models: {result.exception}. `make up` starts the database.")
    return {item.node.name: item.node.compiled_code for item in result.result.results}


def obstacles(compiled: dict[str, str]) -> dict[str, str]:
    """Model → what of it Spark doesn't have; models that pass are left out."""
    found = {}
    for name, code in sorted(compiled.items()):
        try:
            sqlglot.transpile(code, read="postgres", write="spark", unsupported_level=ErrorLevel.RAISE)
        except (ParseError, UnsupportedError) as error:
            found[name] = " ".join(str(error).split())
    return found
