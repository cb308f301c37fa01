"""dbt, run in this process: one `dbt build` per layer, its results kept in governance.node_result."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from bankmart import db, dbt_adapter, faults, lasting, lineage, results, settings
from bankmart.errors import BankmartError
from bankmart.governance import build as builds
from bankmart.governance import gate
from bankmart.governance.build import Build
from bankmart.governance.people.erasure import fence
from bankmart.results import Node

# Features that need no tag and take long: made while `ind_all`, which all other tags wait for, leaves a core idle.
BESIDE_TAGS = ["path:models/features/behaviour", "path:models/features/offer/ftr_product_affinity.sql"]
SELECTION = {
    # What people keep as lists: read by marts, so loaded with the first layer.
    "staging": ["path:models/staging", "path:seeds"],
    "tags": ["path:models/tags", *BESIDE_TAGS],
    "training": [
        "path:models/tags/levels",
        "path:models/tags/moves",
        "path:models/tags/indicators",
        "path:models/tags/indicators_derived",
        "path:models/features",
    ],
}

EXCLUSION = {"features": BESIDE_TAGS}

# What the database or the network says when trying again may help.
PASSING = re.compile(
    "could not connect|connection refused|closed the connection|terminating connection|the database system is"
    "|connection timed out|deadlock detected|lock timeout|statement timeout",
    re.IGNORECASE,
)

# The commands that run on the project as it is parsed; the others parse it.
READING = ("build", "test", "compile")
# What dbt keeps of a parsed project for itself.
PARSED = "partial_parse.msgpack"


class DbtError(BankmartError):
    """A model could not be built: names it and gives the database's own words."""

    @property
    def may_pass(self) -> bool:
        """Whether the same again may succeed: the server was away or had no room, not the SQL wrong."""
        return PASSING.search(str(self)) is not None or db.is_no_room(str(self))


def target_dir() -> Path:
    """Where dbt keeps its manifest and compiled SQL."""
    return settings.state_dir() / "dbt" / "target"


def invoke(arguments: Sequence[str], variables: dict[str, Any], target: Path | None = None) -> Any:
    """Run one dbt command in this process and return dbt's own result. `target`: a folder beside the builds' own."""
    # Not at the top: dbt takes seconds to import, and the scheduler has it imported already.
    from dbt.cli.main import dbtRunner

    dbt_adapter.adapt()
    _apply_environment()
    options = _options(target or target_dir())
    said = json.dumps(variables)
    known = _parsed(tuple(arguments), said) if arguments[0] in READING else None
    dbt_adapter.LISTENERS[:] = faults.callbacks()
    return dbtRunner(manifest=known, callbacks=dbt_adapter.LISTENERS).invoke([*arguments, *options, "--vars", said])


def _apply_environment() -> None:
    at = settings.server()
    settings.apply_environment()
    os.environ |= {"BANKMART_PGHOST": at.host, "BANKMART_PGPORT": str(at.port)}


def _parse(mark: str) -> Path:
    """Parse the project where it has changed; returns the folder with what dbt wrote of it.

    Without a build's variables: nothing that is parsed asks for them. With every build's own dbt would parse everything
    anew: 5 s of each build with 136 models. Raises DbtError with dbt's words.
    """
    from dbt.cli.main import dbtRunner

    folder = settings.state_dir() / "dbt" / "parsed"
    kept, said = folder / PARSED, folder / "mark"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept.exists() and said.exists() and said.read_text(encoding="utf-8") == mark):
            said.unlink(missing_ok=True)
            _apply_environment()
            done = dbtRunner().invoke(["parse", "--quiet", *_options(folder), "--vars", "{}"])
            if not done.success:
                raise DbtError(f"the dbt project does not parse: {done.exception}")
            said.write_text(mark, encoding="utf-8")
    return folder


@dataclass
class Known:
    """dbt's own manifest, read for one build's variables, and the layers that were built with it."""

    mark: str
    variables: str
    manifest: Any
    built: set[tuple[str, ...]] = field(default_factory=set)

    def serves(self, arguments: tuple[str, ...], mark: str, variables: str) -> bool:
        """A run leaves its compiled SQL in it: good for the other layers of the same build, and for nothing twice."""
        are_builds = all(command[0] == "build" for command in (*self.built, arguments))
        return are_builds and self.mark == mark and self.variables == variables and arguments not in self.built


_known: list[Known] = []


def _parsed(arguments: tuple[str, ...], variables: str) -> Any:
    mark = _mark()
    if not (_known and _known[0].serves(arguments, mark, variables)):
        # 0.4 s.
        _known[:] = [Known(mark, variables, _read(mark))]
    _known[0].built.add(arguments)
    return _known[0].manifest


def _read(mark: str) -> Any:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    known = Manifest.from_msgpack((_parse(mark) / PARSED).read_bytes(), decoder=extended_mashumuro_decoder)
    # What macros read as `graph`; it isn't kept in the file.
    known.build_flat_graph()
    return known


def _mark() -> str:
    """A hash of the project's files by name, size and time of change, and of the server that it is for."""
    files = (path for path in sorted(settings.dbt_dir().rglob("*")) if path.is_file())
    stated = [(str(path), (found := path.stat()).st_size, found.st_mtime_ns) for path in files]
    return hashlib.sha256(repr((stated, settings.server(), str(settings.state_dir()))).encode()).hexdigest()


def _options(target: Path) -> list[str]:
    folders = {"project-dir": settings.dbt_dir(), "profiles-dir": settings.dbt_dir(), "target-path": target}
    options = [part for name, value in folders.items() for part in (f"--{name}", str(value))]
    return [*options, "--log-path", str(settings.state_dir() / "logs" / "dbt"), "--no-use-colors"]


def variables(build: Build) -> dict[str, Any]:
    """The variables of a build, as the project's macros read them."""
    return {
        "business_date": build.business_date.isoformat(),
        "build_id": build.build_id,
        "build_kind": build.kind,
        "base_build_id": build.base_build_id,
        "previous_build_id": build.previous_build_id,
        "previous_date": build.previous_date.isoformat() if build.previous_date else "",
        "as_of_dates": [day.isoformat() for day in build.as_of_dates],
        "delivered": list(build.delivered),
    }


def build_layer(layer: str, build: Build) -> list[Node]:
    """Build and check one layer, and keep what every model and check did.

    A failed check is for the layer's gate to judge; raises DbtError where a model could not be built.
    """
    selection = SELECTION.get(layer, [f"path:models/{layer}"])
    arguments = ["build", "--select", *selection, "--indirect-selection", "buildable", "--log-level", "none"]
    if layer in EXCLUSION:
        arguments += ["--exclude", *EXCLUSION[layer]]
    # Unit tests judge the code, not the day: `make test` runs them. What was done is kept in node_result, not in files.
    arguments += ["--no-write-json", "--log-level-file", "none", "--exclude-resource-type", "unit_test"]
    # Checks before what stands on the checked, found in a fifth of the time.
    arguments.append("--use-fast-test-edges")
    mark = _mark()
    with _alone():
        faults.point("build.layer")
        stands = layer == lasting.SCHEMA and lasting.stand(mark)
        if stands:
            arguments += ["--exclude-resource-type", "model"]
        result = invoke(arguments, variables(build))
    if result.result is None:
        raise DbtError(f"dbt could not run layer {layer}: {result.exception}")
    known = manifest()
    owners = results.owners_of(known)
    nodes = [results.of_dbt(item, owners) for item in result.result.results]
    with lineage.sending(layer, build, result.result.results, known):
        _keep(layer, build, nodes, known)
        if layer == lasting.SCHEMA and not stands:
            lasting.remember(mark)
        if build.kind == "daily":
            watched = _watch(layer, build)
            results.record(layer, build, _invocation_id(), watched)
            nodes += watched
    faults.point("build.recorded")
    return nodes


def _keep(layer: str, build: Build, nodes: list[Node], known: dict[str, Any]) -> None:
    # What dbt did, with masked rows of what failed. Raises DbtError where a model could not be built.
    broken = [node for node in nodes if node.status == "error"]
    # A late task's refusals say nothing of the build that readers see: its own gates have passed.
    if not broken or builds.is_open(build.build_id):
        _keep_results(layer, build, nodes, known)
    if broken:
        builds.finish(build.build_id, "failed", f"layer {layer} is not built")
        lines = "\n".join(f"  {node.name}: {' '.join((node.message or '').split())}" for node in broken)
        cause = f"The disk is full: {db.MAKE_ROOM}" if db.is_no_room(lines) else "Mend the cause"
        raise DbtError(
            f"layer {layer} of {build.business_date} is not built: {len(broken)} of {len(nodes)} nodes broke.\n"
            f"{lines}\n"
            f"Readers still see what was published before. {cause} and clear this task."
        )


def _keep_results(layer: str, build: Build, nodes: list[Node], known: dict[str, Any]) -> None:
    results.record(layer, build, _invocation_id(), nodes)
    failed = {
        node.node_id: node.compiled
        for node in nodes
        if node.status in ("fail", "warn") and node.resource_type == "test" and node.compiled
    }
    if failed:
        gate.keep_examples(build, _invocation_id(), failed, known)


def _watch(layer: str, build: Build) -> list[Node]:
    # The platform's own checks of what the layer has written.
    # Not at the top: they ask this module for the manifest.
    from bankmart.governance.quality import content, freshness, reconcile, watch
    from bankmart.governance.tags import monitor

    watched = monitor.check(build, layer)
    for check in {"staging": [freshness.check, watch.check], "marts": [reconcile.check]}.get(layer, []):
        watched += check(build)
    if layer in ("staging", "marts"):
        watched += content.check(build, layer)
    return watched


def _invocation_id() -> str:
    # Not at the top: dbt takes seconds to import.
    from dbt_common.invocation import get_invocation_id

    return get_invocation_id()


@contextmanager
def _alone() -> Iterator[None]:
    # A task whose worker lost its scheduler may go on beside its own retry: the second waits for the first.
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('bankmart dbt'))")
        fence.copying(cursor)
        yield


def manifest() -> dict[str, Any]:
    """dbt's manifest of the project as it is, parsed where it has changed. Whoever asks shares it: leave it as it is.

    Raises DbtError with dbt's words where the project doesn't parse.
    """
    return _manifest(_mark())


@lru_cache(maxsize=1)
def _manifest(mark: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((_parse(mark) / "manifest.json").read_text(encoding="utf-8"))
    return read
