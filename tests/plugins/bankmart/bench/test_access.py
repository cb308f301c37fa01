"""The benchmark runs on a server of its own; speed is not asserted."""

import argparse

from bankmart.bench import access as bench


def test_bench_prints_a_line_a_model_and_those_of_own_customers(capsys):
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    assert bench.run(parser.parse_args(["--rows", "200", "--repeat", "1"])) == 0
    whole, own = capsys.readouterr().out.split("\n\n")
    lines = whole.splitlines()
    assert lines[0].startswith("200 rows, ")
    assert sorted(line.split()[0] for line in lines[-4:-1]) == sorted(bench.MODELS)
    assert lines[-1].startswith("together ")
    lines = own.splitlines()
    assert lines[0].startswith("own customers, one of 50; ")
    said = {line.split("  ")[0]: line.split("  ")[1:] for line in lines[3:]}
    assert set(said) == {f"{model} of a {kind}" for model in bench.MODELS for kind in bench.WHOSE}
    # Not all, and not nobody's: the reader sees one customer of fifty.
    assert {[part.strip() for part in parts if part.strip()][1] for parts in said.values()} == {"4"}
