"""`pytest tests/dags --write-snapshot` accepts the DAGs' graph as it is now."""


def pytest_addoption(parser):
    parser.addoption("--write-snapshot", action="store_true", help="write tests/dags/snapshot.json anew")
