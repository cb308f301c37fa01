"""What dbt gives to models and macros, as far as sqlfluff has to know it to read the SQL behind them."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

execute = False
modules = SimpleNamespace(re=re)
target = SimpleNamespace(schema="public")
# A model of indicators without families: what is expanded is for dbt's own eyes.
model = SimpleNamespace(name="ind_card", config=SimpleNamespace(meta={}))
dbt = SimpleNamespace(hash=lambda field: f"md5({field})")
# Models of another day, numbers and lists, as the macros need them; all other variables are numbers.
VARIABLES = {"business_date": "2026-10-31", "as_of_dates": ["2026-10-31"], "delivered": []}


class Config:
    """`{{ config(…) }}` leaves nothing in the SQL; what a model's YAML configures is unknown to sqlfluff."""

    unsafe_callable = False
    alters_data = False

    def __call__(self, **settings: Any) -> str:
        """`{{ config(severity='warn') }}`."""
        return ""

    def get(self, name: str, default: Any = None) -> Any:
        """`config.get('meta')`."""
        return default


config = Config()


def var(name: str, default: Any = 1) -> Any:
    """A variable of the project."""
    return VARIABLES.get(name, default)


def get_quoted_csv(names: list[str]) -> str:
    """Names, quoted, with commas between."""
    return ", ".join(f'"{name}"' for name in names)
