"""A thread of dbt's keeps its connection from one model to the next, and has another when the server ended it."""

from __future__ import annotations

import multiprocessing
import time
from types import SimpleNamespace

import pytest
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials

from bankmart import db, dbt_adapter, settings


@pytest.fixture
def connections(warehouse):
    dbt_adapter.adapt()
    settings.apply_environment()
    at = settings.server()
    credentials = PostgresCredentials(
        database="bankmart", schema="staging", host=at.host, port=at.port, user="platform", password=""
    )
    profile = SimpleNamespace(credentials=credentials)
    manager = PostgresConnectionManager(profile, multiprocessing.get_context("spawn"))
    yield manager
    manager.cleanup_all()


def backend(connections, node):
    return connections.set_connection_name(node).handle.get_backend_pid()


def test_the_next_model_has_the_same_connection_and_nothing_is_open_on_it(connections):
    first = backend(connections, "one")
    link = connections.get_if_exists()
    with link.handle.cursor() as cursor:
        cursor.execute("select set_config('work_mem', '1MB', true)")
    connections.release()
    assert backend(connections, "two") == first
    assert not link.transaction_open
    with link.handle.cursor() as cursor:
        cursor.execute("show work_mem")
        assert cursor.fetchone() != ("1MB",)


def test_a_connection_that_the_server_ended_is_not_used_again(connections):
    first = backend(connections, "one")
    connections.release()
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", (first,))
    time.sleep(0.05)
    assert backend(connections, "two") != first
