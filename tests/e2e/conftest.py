"""One small bank, loaded, built and published for two dates on a server of its own, shared by the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from bankmart import dbt, settings
from bankmart.governance import build as builds
from bankmart.governance import gate, publication
from bankmart.runtime import provision
from bankmart.sources import contract, load, tables
from bankmart.sources.simulate import SimulationConfig, simulate

GO_LIVE = date(2026, 10, 31)
CUSTOMERS, MONTHS, DAYS = 300, 7, 3


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


@pytest.fixture(scope="module")
def _line(tmp_path_factory: pytest.TempPathFactory, state: Path) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            _enter(patch, folder)
            server = stack.enter_context(provision.throwaway())
            provision.provision()
            line = Line(folder, [GO_LIVE + timedelta(days=day) for day in range(DAYS + 1)], server)
            simulate(SimulationConfig(folder / "landing", folder / "truth", CUSTOMERS, MONTHS, DAYS, GO_LIVE))
            for day in line.dates[:2]:
                line.ingest(day)
                publication.publish(line.build(day), actor="test")
        yield line


@pytest.fixture
def line(_line: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The bank, with this process looking at it."""
    _enter(monkeypatch, _line.state)
    return _line


def _enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("BANKMART_STATE_DIR", str(folder))
    # Others may have pointed libpq at their own password file in this process.
    patch.delenv("PGPASSFILE", raising=False)
    settings.apply_environment()
