"""A thread of dbt's keeps its connection from one model to the next, and has another when the server ended it."""

from __future__ import annotations

import importlib.util
import multiprocessing
import time
from datetime import date
from types import SimpleNamespace

import pytest
from dbt.adapters.cache import RelationsCache
from dbt.adapters.events.types import SQLQuery
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt.adapters.postgres.impl import PostgresAdapter
from dbt.adapters.postgres.relation import PostgresRelation
from dbt.clients.jinja import MacroGenerator, get_rendered
from dbt.context import providers
from dbt.context.macros import MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt.exceptions import CompilationError
from dbt.graph import selector_methods
from dbt_common.clients import agate_helper
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager

from bankmart import db, dbt, dbt_adapter, settings
from bankmart.governance import build as builds


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


def test_a_table_is_looked_up():
    dbt_adapter.adapt()
    cache = RelationsCache()
    there = PostgresRelation.create(database="bankmart", schema="tags", identifier="tag_value__b7", type="table")
    cache.add(there)
    adapter = SimpleNamespace(cache=cache, _schema_is_cached=lambda database, schema: True)
    assert PostgresAdapter.get_relation(adapter, "bankmart", "tags", "tag_value__b7") == there
    assert PostgresAdapter.get_relation(adapter, "bankmart", "tags", "tag_value__b8") is None


@pytest.mark.parametrize(("level", "heard"), [(EventLevel.DEBUG, 0), (EventLevel.WARN, 1), (EventLevel.ERROR, 1)])
def test_only_what_matters_becomes_a_message(level, heard, monkeypatch):
    dbt_adapter.adapt()
    manager, told = EventManager(), []
    manager.add_callback(told.append)
    event = SimpleNamespace(
        level_tag=lambda: level, message=lambda: "said", code=lambda: "Z000", PROTO_TYPES_MODULE=None
    )
    made = "dbt_common.events.event_manager.msg_from_base_event"
    monkeypatch.setattr(made, lambda e, level: SimpleNamespace(info=e))
    manager.fire_event(event)
    assert len(told) == heard


def test_a_message_is_made_when_it_is_read():
    dbt_adapter.adapt()
    message = SQLQuery(conn_name="master", sql="select 1", node_info={})
    assert "pb_msg" not in vars(message)
    assert message.sql == "select 1"
    assert "pb_msg" in vars(message)
    other = SQLQuery(conn_name="master", sql="select 1", node_info={})
    other.sql = "select 2"
    assert (other.conn_name, other.to_dict()["sql"]) == ("master", "select 2")


def test_what_sql_raises_names_its_model():
    dbt_adapter.adapt()
    exports = providers.wrapped_exports(SimpleNamespace(name="dim_customer"))
    with pytest.raises(CompilationError) as said:
        exports["raise_compiler_error"]("no such column")
    assert said.value.node.name == "dim_customer"
    with pytest.raises(KeyError):
        exports["raise_nothing"]


def test_results_keep_their_kinds():
    dbt_adapter.adapt()
    rows = [{"name": "005", "number": 5, "day": date(2026, 1, 31)}, {"name": None, "number": None, "day": None}]
    for _ in range(2):
        kinds = agate_helper.table_from_data_flat(rows, ["name", "number", "day"]).column_types
        assert [type(kind).__name__ for kind in kinds] == ["Text", "Integer", "Date"]
    (kind,) = agate_helper.table_from_data_flat([{"number": "005"}], ["number"]).column_types
    assert type(kind).__name__ == "Text"


@pytest.fixture(scope="module")
def everything(postgres):
    # dbt's own manifest of the project, and dbt's own module as it comes.
    dbt_adapter.adapt()
    spec = importlib.util.spec_from_file_location("dbt.graph.untouched", selector_methods.__file__)
    untouched = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(untouched)
    return dbt._read(dbt._mark()), untouched


@pytest.mark.parametrize("layer", [*builds.LAYERS, "training"])
def test_a_layer_selects_what_dbt_would(layer, everything, monkeypatch):
    known, untouched = everything
    monkeypatch.chdir(settings.dbt_dir())
    nodes = {*known.nodes, *known.sources, *known.exposures, *known.unit_tests}
    for path in dbt.SELECTION.get(layer, [f"path:models/{layer}"]) + dbt.EXCLUSION.get(layer, []):
        found, wanted = (
            set(module.PathSelectorMethod(known, None, []).search(nodes, path.removeprefix("path:")))
            for module in (selector_methods, untouched)
        )
        assert found == wanted
        assert found


def macro(name, package="bankmart", sql=""):
    return SimpleNamespace(name=name, package_name=package, macro_sql=sql, unique_id=f"macro.{package}.{name}")


def test_a_macro_is_made_once_and_sees_its_model_as_it_is_by_then():
    dbt_adapter.adapt()
    context = {"said": "before"}
    made = MacroGenerator(macro("say", sql="{% macro say(what) %}{{ said }}, {{ what }}{% endmacro %}"), context)
    assert made("one") == "before, one"
    first = made.get_macro()
    context["said"] = "after"
    assert made("two") == "after, two"
    assert made.get_macro() is first
    assert MacroGenerator(made.macro, {"said": "elsewhere"})("three") == "elsewhere, three"


@pytest.mark.parametrize("package", ["bankmart", "other", "dbt"])
def test_a_name_means_the_macro_that_dbt_would_take(package):
    """Of the model's own package, else of the project, a package, the adapter, dbt itself."""
    dbt_adapter.adapt()
    there = {
        "dbt": ["statement", "run_query", "build_id", "only_dbt"],
        "dbt_postgres": ["run_query", "only_postgres"],
        "bankmart": ["build_id", "statement", "only_here"],
        "other": ["build_id", "only_there"],
    }
    packages = {name: {each: macro(each, name) for each in names} for name, names in there.items()}
    builders = [MacroNamespaceBuilder("bankmart", package, None, ["dbt_postgres", "dbt"]) for _ in range(2)]
    for macros in packages.values():
        builders[0].add_macros(macros.values(), {})
    slowly, quickly = builders[0].build_namespace({}, {}), builders[1].build_namespace(packages, {})
    names = {name: slowly[name] for name in slowly if not isinstance(slowly[name], dict)}
    assert len(names) >= 6
    assert {name: found.macro for name, found in names.items()} == {name: quickly[name].macro for name in names}
    told = ManifestContext.to_dict(_context(quickly))
    assert all(told[name] is quickly[name] for name in quickly if name != "dbt")
    assert set(told["dbt"]) == set(slowly["dbt"])


def _context(namespace):
    context = ManifestContext.__new__(ManifestContext)
    context.config, context.namespace, context._ctx = SimpleNamespace(), namespace, {}
    context._context_members_, context._context_attrs_ = {}, {}
    return context


def test_the_same_text_is_compiled_once_and_rendered_with_its_own_names(monkeypatch):
    dbt_adapter.adapt()
    compiled, compile_ = [], MacroFuzzEnvironment.compile
    monkeypatch.setattr(
        MacroFuzzEnvironment, "compile", lambda self, *source: compiled.append(1) or compile_(self, *source)
    )
    text = "{{ what }} of a test that nothing else says"
    assert [get_rendered(text, {"what": what}) for what in ("one", "two")] == [
        f"{what} of a test that nothing else says" for what in ("one", "two")
    ]
    assert len(compiled) == 1
    assert get_rendered("{{ number }}", {"number": 7}, native=True) == 7
    assert get_rendered("{{ number }}", {"number": 7}) == "7"
