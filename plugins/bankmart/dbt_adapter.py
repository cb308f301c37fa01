"""dbt and its Postgres adapter, without what they do for every model and check and no build needs."""

from __future__ import annotations

import gc
import os
import select
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Who listens to what dbt says: nobody, but for the tests of faults.
LISTENERS: list[Callable[[Any], None]] = []


@lru_cache(maxsize=1)
def adapt() -> None:
    """Replace some methods of dbt's, once a process: AttributeError where a newer dbt has them no more."""
    # dbt makes a million small objects a day and hardly a ring of them: looking for rings costs more than they take.
    gc.set_threshold(200_000, 20, 100)
    _adapt_connections()
    _adapt_messages()
    _adapt_contexts()
    _adapt_macros()
    _adapt_start()


def _adapt_connections() -> None:
    # Not at the top: dbt takes seconds to import.
    from dbt.adapters.postgres.connections import PostgresConnectionManager as Connections
    from dbt.adapters.postgres.impl import PostgresAdapter
    from dbt.adapters.reference_keys import _make_ref_key

    # What hangs on what, so that it is dropped with it: our materializations drop nothing that anything hangs on.
    PostgresAdapter._link_cached_relations = lambda self, manifest: None
    # A connection for each model and check costs more than most checks do, and the next one's server process would know
    # nothing of the tables: each thread keeps its own until dbt closes them all at the end.
    close, choose = Connections.release, Connections.set_connection_name

    def release(self: Any) -> None:
        link = self.get_if_exists()
        if link is None or link.state != "open":
            return
        try:
            link.handle.rollback()
            link.transaction_open = False
        except Exception:  # whatever it is, dbt's own way closes the connection and says so
            close(self)

    def set_connection_name(self: Any, name: str | None = None) -> Any:
        link = self.get_if_exists()
        if link is not None and link.state == "open" and _is_gone(link.handle):
            self.close(link)
        return choose(self, name)

    Connections.release, Connections.set_connection_name = release, set_connection_name
    # Whether a table is there is looked up, not searched for among all there are: parts of states are many.
    search = PostgresAdapter.get_relation

    def get_relation(self: Any, database: str, schema: str, identifier: str) -> Any:
        if not self._schema_is_cached(database, schema):
            return search(self, database, schema, identifier)
        wanted = SimpleNamespace(database=database, schema=schema, identifier=identifier)
        found = self.cache.relations.get(_make_ref_key(wanted))
        return found and found.inner

    PostgresAdapter.get_relation = get_relation


def _adapt_messages() -> None:
    from dbt.contracts.graph.nodes import ParsedNode
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    # Each statement's text in two files, which nothing reads.
    _ = ParsedNode.write_node
    ParsedNode.write_node = lambda self, *where: None
    # A thousand messages a layer for a log that isn't written.
    fire = EventManager.fire_event

    def fire_event(self: Any, e: Any, level: Any = None, **more: Any) -> None:
        if LISTENERS or (level or e.level_tag()) != EventLevel.DEBUG:
            fire(self, e, level=level, **more)

    EventManager.fire_event = fire_event  # type: ignore[method-assign, assignment]
    # And each of them checked against its form, field by field: a message is made when somebody reads it.
    make, get, put = BaseEvent.__init__, BaseEvent.__getattr__, BaseEvent.__setattr__

    def init(self: Any, *args: Any, **fields: Any) -> None:
        object.__setattr__(self, "_said", (args, fields))

    def made(self: Any) -> None:
        if "pb_msg" not in self.__dict__:
            args, fields = self.__dict__["_said"]
            make(self, *args, **fields)

    def getattribute(self: Any, key: str) -> Any:
        made(self)
        return get(self, key)

    def setattribute(self: Any, key: str, value: Any) -> None:
        if key != "pb_msg":
            made(self)
        put(self, key, value)

    BaseEvent.__init__, BaseEvent.__getattr__ = init, getattribute  # type: ignore[method-assign]
    BaseEvent.__setattr__ = setattribute  # type: ignore[method-assign]


def _adapt_contexts() -> None:
    from dbt.context import base, exceptions_jinja, providers
    from dbt_common.clients import agate_helper

    # The same for every model and check, and made anew for each.
    base.get_context_modules = lru_cache(base.get_context_modules)

    class Exports(dict[str, Any]):
        """What SQL can raise, each made when it is asked for."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.wrap = exceptions_jinja.wrapper(model)

        def __missing__(self, name: str) -> Any:
            return self.wrap(exceptions_jinja.CONTEXT_EXPORTS[name])

    _ = providers.wrapped_exports
    providers.wrapped_exports = Exports
    # What a result's columns may be: two calendars a query.
    test = lru_cache(agate_helper.build_type_tester)

    def build_type_tester(text_columns: Any, string_null_values: Any = ("null", "")) -> Any:
        return test(frozenset(text_columns), tuple(string_null_values))

    agate_helper.build_type_tester = build_type_tester


def _adapt_macros() -> None:
    """A thousand macros are there for every model and check, twice: once to say its SQL, once to run it."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.configured import ConfiguredContext
    from dbt.context.macro_resolver import TestMacroNamespace
    from dbt.context.macros import MacroNamespaceBuilder
    from dbt.context.manifest import ManifestContext
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    # Rendered to a function at every call: once for each node that calls it, for its names are looked up when it runs.
    make = MacroGenerator.get_macro

    def get_macro(self: Any) -> Any:
        if "_made" not in self.__dict__:
            self._made = make(self)
        return self._made

    def init(self: Any, macro: Any, context: Any = None, node: Any = None, stack: Any = None) -> None:
        self.macro, self.context, self.node, self.stack = macro, context, node, stack

    _ = MacroGenerator.__init__
    MacroGenerator.get_macro, MacroGenerator.__init__ = get_macro, init
    build, tell = MacroNamespaceBuilder.build_namespace, ManifestContext.to_dict

    def build_namespace(self: Any, macros_by_package: Any, ctx: Any) -> Any:
        # Package by package, not macro by macro: that no name is there twice was asked when the project was parsed.
        for package, macros in macros_by_package.items():
            made = {each.name: MacroGenerator(each, ctx, self.node, self.thread_ctx) for each in macros.values()}
            if package in self.internal_package_names:
                self.internal_packages[package] = made
                continue
            self.packages[package] = made
            if package == self.search_package:
                self.locals.update(made)
            elif package == self.root_package:
                self.globals.update(made)
        return build(self, {}, ctx)

    def to_dict(self: Any) -> Any:
        if isinstance(self.namespace, TestMacroNamespace):
            return tell(self)
        told = ConfiguredContext.to_dict(self)
        # The first that has a name is who is meant.
        for names in reversed(list(self.namespace._search_order())):
            told.update(names)
        return told

    MacroNamespaceBuilder.build_namespace = build_namespace
    ManifestContext.to_dict = to_dict
    # Of some thousand texts that are compiled a day most are the same line of a check.
    _ = MacroFuzzEnvironment.from_string
    compiled: dict[tuple[type, str], Any] = {}

    def from_string(self: Any, source: str, globals: Any = None, template_class: Any = None) -> Any:
        if (type(self), source) not in compiled:
            compiled[type(self), source] = self.compile(source)
        made = (template_class or self.template_class).from_code
        return made(self, compiled[type(self), source], self.make_globals(globals), None)

    MacroFuzzEnvironment.from_string = from_string  # type: ignore[method-assign, assignment]


def _adapt_start() -> None:
    """What dbt does before its first model, with one core: some 0.3 s of each of six layers."""
    from dbt.compilation import Linker
    from dbt.graph.selector_methods import PathSelectorMethod
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.events.contextvars import get_project_root

    # Every node as a dictionary, for a file of names that nothing reads.
    _ = Linker.get_graph_summary
    Linker.get_graph_summary = lambda self, manifest: {}
    # Which of all modules declares a flag, for a warning that isn't shown.
    _ = BehaviorFlagRendered._default_source
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]

    def search(self: Any, included_nodes: set[str], selector: str) -> Iterator[str]:
        # As dbt's own, which takes all parents of each node's file as paths, three times a layer.
        root = Path(get_project_root() or Path.cwd())
        wanted = {str(path.relative_to(root)) for path in root.glob(selector)}
        for name, node in self.all_nodes(included_nodes):
            file, declared = node.original_file_path, (getattr(node, "patch_path", None) or "").partition("://")[2]
            if file in wanted or declared in wanted or any(file.startswith(f"{path}{os.sep}") for path in wanted):
                yield name

    _ = PathSelectorMethod.search
    PathSelectorMethod.search = search


def _is_gone(handle: Any) -> bool:
    # A server that says something unasked says goodbye.
    return bool(handle.closed) or bool(select.select([handle.fileno()], [], [], 0)[0])
