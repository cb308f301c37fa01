"""`pytest tests/dags --write-snapshot` accepts the DAGs' graph as it is now; Airflow in a process of its own."""

import os

import pytest


def pytest_addoption(parser):
    parser.addoption("--write-snapshot", action="store_true", help="write tests/dags/snapshot.json anew")


@pytest.fixture(scope="session")
def environment():
    """The environment of an Airflow whose home is the folder given."""

    def made(home):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return kept | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        }

    return made
