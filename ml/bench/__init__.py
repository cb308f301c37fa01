"""What is measured: modules with `add_arguments(parser)` and `run(args) -> int`, which prints one JSON document."""

from __future__ import annotations

import argparse
import importlib
import pkgutil


def bench_names() -> list[str]:
    """What there is to measure: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def run_bench(name: str, options: list[str]) -> int:
    """Measure with the module's own options; its exit code."""
    module = importlib.import_module(f"ml.bench.{name}")
    parser = argparse.ArgumentParser(prog=f"python -m ml bench {name}", description=module.__doc__)
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(options))
    return code
