"""The benchmark forgets somebody of a bank of its own and prints what each part took; speed is not asserted."""

import argparse

import pytest

from bankmart.bench import erase as bench


@pytest.mark.slow
def test_bench_prints_a_line_a_part(capsys):
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    assert bench.run(parser.parse_args(["--customers", "60", "--months", "1"])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert " rows of " in lines[0]
    assert [line.split("  ")[0] for line in lines[-4:]] == [
        "warehouse",
        "landing files",
        "search for what is left",
        "all, with the certificate",
    ]
