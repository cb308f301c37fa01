"""One small bank, loaded, built and published for two dates: made once, a copy for each file of tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from bankmart import dbt, settings
from bankmart.governance import build as builds
from bankmart.governance import gate, publication
from bankmart.runtime import postgres, provision
from bankmart.sources import contract, load, tables
from bankmart.sources.simulate import SimulationConfig, simulate

GO_LIVE = date(2026, 10, 31)
CUSTOMERS, MONTHS, DAYS = 300, 7, 3
DATES = [GO_LIVE + timedelta(days=day) for day in range(DAYS + 1)]


@dataclass
class Line:
    """A bank of its own: its folder, its server, its dates."""

    state: Path
    dates: list[date]
    server: provision.Throwaway = field(repr=False)
    size: tuple[str, ...] = ("--customers", str(CUSTOMERS), "--months", str(MONTHS))

    def ingest(self, day: date) -> None:
        """Load every system's files of a date."""
        for system in contract.load():
            load.load_system(system, day)
        tables.create_tables()

    def build(self, day: date, run_id: str = "test") -> builds.Build:
        """Build and gate every layer of a date; not published yet."""
        build = builds.open_build(day, run_id)
        for layer in builds.LAYERS:
            dbt.build_layer(layer, build)
            gate.judge(layer, build)
        return build


@pytest.fixture(scope="session")
def _bank(tmp_path_factory: pytest.TempPathFactory, state: Path) -> Path:
    """The state folder of the bank as it stands after its first two dates, its server stopped; made once a run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "bank"
    with (shared / "bank.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with _looking_at(folder), provision.throwaway() as server:
                provision.provision()
                line = Line(folder, DATES, server)
                simulate(SimulationConfig(folder / "landing", folder / "truth", CUSTOMERS, MONTHS, DAYS, GO_LIVE))
                for day in DATES[:2]:
                    line.ingest(day)
                    publication.publish(line.build(day), actor="test")
                server.stop()
                _copy(server.at.data, folder / "data")
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="module")
def _line(tmp_path_factory: pytest.TempPathFactory, _bank: Path) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line") / "state"
    _copy(_bank, folder)
    with _looking_at(folder):
        at = postgres.place(folder)
        shutil.rmtree(at.data, ignore_errors=True)
        _copy(folder / "data", at.data)
        shutil.rmtree(folder / "data")
        with provision.throwaway() as server:
            yield Line(folder, DATES, server)


@pytest.fixture
def line(_line: Line) -> Iterator[Line]:
    """The bank, with this process looking at it."""
    with _looking_at(_line.state):
        yield _line


@pytest.fixture(scope="module")
def _bare_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("bare") / "state"
    with _looking_at(folder), provision.throwaway() as server:
        provision.provision()
        simulate(SimulationConfig(folder / "landing", folder / "truth", 60, 4, 1, GO_LIVE))
        for system, described in contract.load().items():
            for name in (name for name, table in described.items() if not table.is_required):
                shutil.rmtree(folder / "landing" / system / name)
        line = Line(folder, DATES[:2], server)
        for day in line.dates:
            line.ingest(day)
            publication.publish(line.build(day), actor="test")
        yield line


@pytest.fixture
def bare(_bare_line: Line) -> Iterator[Line]:
    """A bank of which only the required tables are delivered, two dates of it published."""
    with _looking_at(_bare_line.state):
        yield _bare_line


@contextmanager
def _looking_at(folder: Path) -> Iterator[None]:
    """This process works in that state folder; afterwards nothing of it is left in what libraries read."""
    # Before the patch and inside it: what one bank applied must be neither seen nor put back by the next.
    settings.forget_environment()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANKMART_STATE_DIR", str(folder))
        patch.delenv("PGPASSFILE", raising=False)
        settings.apply_environment()
        try:
            yield
        finally:
            settings.forget_environment()


def _copy(source: Path, target: Path) -> None:
    """A copy with its owners: as root the server runs as somebody else."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
