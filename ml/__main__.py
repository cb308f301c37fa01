"""`python -m ml VERB MODEL --as-of DATE`: the verbs for a person or a task; `python -m ml bench NAME` measures."""

from __future__ import annotations

import argparse
import importlib
import sys
from datetime import date
from pathlib import Path

from bankmart import settings
from ml.bench import bench_names, run_bench
from ml.errors import ModelError

VERBS = {
    "train": "train on what was known on the date; judge, log and register it",
    "compare": "judge the version trained as of the date by every gate and against the champion",
    "promote": "make the version trained as of the date the champion, if the gates allow it",
    "score": "score the date's customers with the champion",
    "evaluate": "judge the champion again on labels that are complete by the date",
    "explain": "reasons for the customers in a file, by the champion's scores of the date",
    "rollback": "take the last promotion back: the champion before it is the champion again",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns 0 when done or skipped, 1 when it couldn't be; both with the reason."""
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, what in VERBS.items():
        command = verbs.add_parser(verb, help=what, description=what)
        command.add_argument("model")
        if verb == "rollback":
            command.add_argument("--to", type=int, metavar="VERSION", help="this version, not the one before")
            command.add_argument("--by", help="who takes it back (whoever types)")
            continue
        command.add_argument("--as-of", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
        if verb == "explain":
            command.add_argument("--customers", required=True, type=Path, metavar="FILE", help="a number a line")
            command.add_argument("--write", type=Path, metavar="FILE", help="write JSON lines there, don't print them")
            command.add_argument("--by", help="who asks (whoever types)")
        elif verb in ("compare", "promote"):
            command.add_argument("--version", type=int, help="this version, not the newest of the date")
            command.add_argument(
                "--without-champion",
                action="store_true",
                help="don't compare with the champion (its files are lost)",
            )
        else:
            command.add_argument("--build-id", type=int, help="this build, not the newest fitting one")
        if verb == "promote":
            command.add_argument("--approved-by", metavar="NAME", help="who approves it (whoever types)")
        if verb == "train":
            command.add_argument("--again", action="store_true", help="train even if the same was trained before")
        if verb == "score":
            command.add_argument("--alias", default="champion", choices=("champion", "challenger"))
            command.add_argument(
                "--anew", action="store_true", help="by today's champion, though readers see scores of an earlier one"
            )
    bench = verbs.add_parser("bench", help="measure; prints one JSON document", description="Measure.")
    bench.add_argument("name", choices=bench_names())
    bench.add_argument("options", nargs=argparse.REMAINDER, help="see `bench NAME --help`")
    given = vars(parser.parse_args(arguments))
    settings.apply_environment()
    try:
        if given["verb"] == "bench":
            return run_bench(given["name"], given["options"])
        with settings.typed():
            importlib.import_module(f"ml.{given.pop('verb')}").run(**given)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
