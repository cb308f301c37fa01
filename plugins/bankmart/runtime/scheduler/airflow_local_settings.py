"""Imported by the scheduler only: its tasks are forks of it, so what is imported here costs them nothing.

Not LightGBM: a process that has used OpenMP must not fork.
"""

import dbt.adapters.postgres
import dbt.cli.main
import pandas as pd

__all__ = ["dbt", "pd"]
