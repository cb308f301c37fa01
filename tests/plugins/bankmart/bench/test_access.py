"""The benchmark runs on a server of its own; speed is not asserted."""

import argparse

from bankmart.bench import access as bench


def test_bench_prints_a_line_a_model(capsys):
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    assert bench.run(parser.parse_args(["--rows", "200", "--repeat", "1"])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("200 rows, ")
    assert sorted(line.split()[0] for line in lines[-4:-1]) == sorted(bench.MODELS)
    assert lines[-1].startswith("together ")
