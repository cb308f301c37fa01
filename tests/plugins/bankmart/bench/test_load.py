"""The benchmark runs on a server of its own and leaves nothing behind; speed is not asserted."""

from __future__ import annotations

import argparse
import os

from bankmart.bench import load as bench


def test_bench_prints_both_ways(capsys):
    before = dict(os.environ)
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    assert bench.run(parser.parse_args(["--rows", "3000", "--repeat", "1"])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3,000 transactions, ")
    assert [line.split()[0] for line in lines[-2:]] == ["\\copy", "loader"]
    assert lines[-1].endswith(" MB")
    assert dict(os.environ) == before
