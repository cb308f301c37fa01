"""The synthetic bank: landing files for every system of the contract, and the truth planted in them."""

from __future__ import annotations

from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.faults import FAULTS
from bankmart.sources.simulate.run import simulate

__all__ = ["FAULTS", "SimulationConfig", "simulate"]
