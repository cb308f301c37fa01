"""A real MLflow server for the session, and a small bank whose churn follows from what its customers do."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psycopg2
import pyarrow as pa
import pytest
from pyarrow import csv

from ml.spec import load_spec

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATES = [date(2025, month, 1) - timedelta(days=1) for month in range(2, 9)]
TODAY = date(2025, 10, 31)


@pytest.fixture(scope="session")
def mlflow_process(
    postgres: str, mlflow_at: Callable[[], AbstractContextManager[Any]]
) -> Iterator[tuple[str, Path, subprocess.Popen[bytes]]]:
    """Yields the server's address, the folder of its artefacts and its process."""
    with mlflow_at() as server:
        yield server


@pytest.fixture
def mlflow_server(mlflow_process: tuple[str, Path, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process pointed at the server; the folder of its artefacts."""
    at, files, _ = mlflow_process
    for name, value in {
        "MLFLOW_TRACKING_URI": at,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }.items():
        monkeypatch.setenv(name, value)
    import mlflow

    mlflow.set_tracking_uri(at)
    return files


@pytest.fixture
def registry(mlflow_server: Path) -> Iterator[MlflowClient]:
    """An empty registry."""
    from mlflow import MlflowClient

    client = MlflowClient()
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)
    yield client
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)


@pytest.fixture
def champion(mlflow_server: Path, bank: Bank) -> str:
    """A training build and the churn champion trained on it; its version. Trained once for all tests."""
    from mlflow import MlflowClient

    from ml import promote, train

    bank.training()
    trained = train.run("churn", TODAY)
    promoted = promote.run("churn", TODAY)
    assert promoted["alias"] == "champion"
    assert len(MlflowClient().search_model_versions("name = 'churn'")) == 1
    return trained["version"]


@cache
def customers(as_of: date, count: int, seed: int = 1) -> pd.DataFrame:
    """Features and label of `count` customers on a date: three weak signs together make a churner."""
    spec = load_spec("churn")
    rng = np.random.default_rng([seed, as_of.toordinal()])
    frame = pd.DataFrame({name: rng.gamma(2, 50, count).round(2) for name in spec.features})
    frame["aum_amount"] = rng.gamma(2, 20_000, count).round(2) + 1000
    frame["days_since_transaction"] = rng.integers(0, 60, count)
    frame["days_since_salary"] = np.where(rng.random(count) < 0.4, np.nan, rng.integers(0, 40, count))
    frame["aum_change_rate_30d"] = rng.normal(0, 0.2, count).round(4)
    frame["complaint_count_90d"] = rng.poisson(0.4, count)
    frame["session_count_30d"] = rng.poisson(8, count)
    odds = (
        -5.2
        - 6 * frame["aum_change_rate_30d"]
        + 1.5 * frame["complaint_count_90d"]
        + 0.04 * frame["days_since_transaction"]
        - 0.06 * frame["session_count_30d"]
        + 0.6 * frame["days_since_salary"].isna()
    )
    frame["is_churn"] = rng.random(count) < 1 / (1 + np.exp(-odds))
    frame.insert(0, "customer_id", [f"C{at:06d}" for at in range(count)])
    frame.insert(0, "as_of_date", as_of)
    return frame


def groups(frame: pd.DataFrame) -> pd.DataFrame:
    """The groups of customers: nothing about them follows from the group."""
    rng = np.random.default_rng(9)
    made = frame[["as_of_date", "customer_id"]].copy()
    made["sex"] = rng.choice(["F", "M"], len(made))
    made["age_band"] = rng.choice(["under 30", "30 to 44", "45 to 59"], len(made))
    made["region"] = rng.choice(["east", "west"], len(made))
    made["branch_id"] = rng.choice(["B1", "B2", "B3"], len(made))
    made["asset_tier"] = np.where(frame["aum_amount"] < 50_000, "basic", "silver")
    made["tenure_band"] = "longer"
    return made


class Bank:
    """The warehouse's feature and label tables, filled by hand as dbt would."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def execute(self, query: str, *values: object) -> list[tuple]:
        with closing(psycopg2.connect(self.dsn)) as link, link, link.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def create(self) -> None:
        spec = load_spec("churn")
        counts = ("complaint_count_90d", "session_count_30d", "days_since_transaction")
        columns = ", ".join(f"{name} {'integer' if name in counts else 'double precision'}" for name in spec.features)
        self.execute(
            f"set role platform; create table features.ftr_customer (as_of_date date, build_id bigint,"
            f" customer_id text, {columns}, business_date date);"
            "create table features.lbl_churn (as_of_date date, build_id bigint, customer_id text,"
            " is_churn boolean, business_date date);"
            "create table features.ftr_group (as_of_date date, build_id bigint, customer_id text, sex text,"
            " age_band text, region text, branch_id text, asset_tier text, tenure_band text)"
        )

    def build(self, kind: str, day: date, status: str = "passed") -> int:
        return self.execute(
            "insert into governance.build (business_date, kind, status, dbt_invocation_id)"
            " values (%s, %s, %s, 'an-invocation') returning build_id",
            *(day, kind, status),
        )[0][0]

    def load(self, frame: pd.DataFrame, build_id: int, day: date, labels: bool) -> None:
        frame = frame.assign(build_id=build_id, business_date=day)
        self._copy("features.ftr_customer", frame.drop(columns="is_churn"))
        if labels:
            kept = frame.loc[frame["aum_amount"] >= 1000]
            self._copy(
                "features.lbl_churn",
                kept[["as_of_date", "build_id", "customer_id", "is_churn", "business_date"]],
            )
            self._copy("features.ftr_group", groups(frame).assign(build_id=build_id))

    def _copy(self, table: str, frame: pd.DataFrame) -> None:
        text = io.BytesIO()
        csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), text, csv.WriteOptions(include_header=False))
        text.seek(0)
        with closing(psycopg2.connect(self.dsn)) as link, link, link.cursor() as cursor:
            cursor.copy_expert(f"copy {table} ({', '.join(frame.columns)}) from stdin (format csv)", text)
            # As the real ones are: without, a join of thousands of rows takes seconds.
            cursor.execute(f"analyze {table}")

    def training(
        self,
        change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
        dates: list[date] | None = None,
        count: int = 900,
        day: date = TODAY,
        seed: int = 1,
    ) -> int:
        """A passed training build with these dates; `change` alters its frame first."""
        build_id = self.build("training", day)
        frame = pd.concat([customers(when, count, seed) for when in dates or DATES])
        self.load(change(frame), build_id, day, labels=True)
        return build_id

    def daily(
        self,
        change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
        day: date = TODAY,
        count: int = 600,
    ) -> int:
        """A daily build in the making, with the features of one day."""
        build_id = self.build("daily", day, "building")
        self.load(change(customers(day, count, seed=2).copy()), build_id, day, labels=False)
        return build_id

    def scores(self) -> pd.DataFrame:
        rows = self.execute(
            "select build_id, model_version, customer_id, score, band, reasons, is_champion, mlflow_run_id"
            " from scores.customer_score order by build_id, model_version, customer_id"
        )
        return pd.DataFrame(
            rows,
            columns=[
                "build_id",
                "version",
                "customer_id",
                "score",
                "band",
                "reasons",
                "is_champion",
                "run_id",
            ],
        )


@pytest.fixture
def bank(warehouse: str) -> Bank:
    made = Bank(warehouse)
    made.create()
    return made
