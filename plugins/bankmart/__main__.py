"""The command line: `python -m bankmart COMMAND`. A command's module is imported when it is called."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from bankmart import settings
from bankmart.errors import BankmartError

# Each module has `add_arguments(parser)` and `run(args) -> exit code`.
COMMANDS = {
    "up": ("bankmart.runtime.commands.up", "start the servers and wait until they work"),
    "down": ("bankmart.runtime.commands.down", "stop the servers; nothing is lost"),
    "status": ("bankmart.runtime.commands.status", "what runs where, and where to look"),
    "demo": ("bankmart.runtime.demo", "run the whole line and print a report"),
    "simulate": ("bankmart.sources.simulate.command", "make the synthetic bank's landing files"),
    "adapt": ("bankmart.sources.adapters.command", "turn a public data set into landing files"),
    "reconcile": ("bankmart.sources.adapters.reconcile", "compare the marts with a data set's raw files"),
    "ingest": ("bankmart.sources.command", "load a system's landing files of one business date"),
    "quarantine": ("bankmart.sources.quarantine_command", "show the rows that broke the contract"),
    "repair": ("bankmart.sources.repair_command", "take records out of quarantine, and put them back repaired"),
    "build": ("bankmart.governance.commands.build", "build and check the layers of one business date"),
    "publish": ("bankmart.governance.commands.publish", "show a gated business date to readers"),
    "compare": ("bankmart.governance.commands.compare", "show what a build would change for readers of its date"),
    "rollback": ("bankmart.governance.commands.rollback", "show readers the build before"),
    "builds": ("bankmart.governance.commands.builds", "list the builds of every business date"),
    "identity": ("bankmart.governance.commands.identity", "show, split or merge customers that are one person"),
    "audit": ("bankmart.governance.audit.command", "verify the audit chain, print its head, show its entries"),
    "quality": ("bankmart.governance.quality.command", "the score of every table, its trend, and what has failed"),
    "incident": ("bankmart.governance.commands.incident", "say what is known of an unusual date"),
    "notices": ("bankmart.governance.notices.command", "what people were told, and what still waits"),
    "hash": ("bankmart.governance.commands.hash", "print a hash per mart table of one business date"),
    "check": ("bankmart.governance.commands.check", "check the project against its own rules"),
    "tags": ("bankmart.governance.tags.command", "list the tags; --accept writes them to the ledger"),
    "tag-diff": ("bankmart.governance.tags.diff", "how many customers a changed tag moves"),
    "new-tag": ("bankmart.governance.tags.making.new", "make a tag's pair of files and try it on a sample"),
    "catalogue": ("bankmart.governance.catalogue.command", "count what the catalogue holds"),
    "lineage": ("bankmart.governance.catalogue.lineage_command", "what a column is made of, and what is made of it"),
    "reader": ("bankmart.governance.access.command", "list, make or remove people's logins to what is published"),
    "clear": ("bankmart.governance.access.clear", "what masks hide of a customer's rows, for who may read it"),
    "access": ("bankmart.governance.access.report", "who reads what, and whether the database agrees"),
    "erase": (
        "bankmart.governance.people.erasure.command",
        "request, approve and carry out that a person is forgotten",
    ),
    "access-request": ("bankmart.governance.people.access_command", "write all that is held about a person"),
    "hold": ("bankmart.governance.people.hold_command", "put a legal hold on a customer or a table, end it, list them"),
    "retention": ("bankmart.governance.people.retention_command", "remove what is past its time, or only count it"),
    "vault": ("bankmart.vault.command", "clear values, for who may read them; keys: check, change, measure"),
    "docs": ("bankmart.governance.commands.docs", "make the reference from the code"),
    "bench": ("bankmart.bench.command", "measure loading, the full and the daily build, and growth"),
    "reset": (
        "bankmart.runtime.commands.reset",
        "stop the servers and delete all data; the environment stays",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error that a person can act on is one message, without a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(usage())
        return 0
    name = given[0]
    if name not in COMMANDS:
        print(f"bankmart: there is no command `{name}`\n\n{usage()}", file=sys.stderr)
        return 2
    module_name, help_line = COMMANDS[name]
    settings.apply_environment()
    module = importlib.import_module(module_name)
    parser = argparse.ArgumentParser(f"bankmart {name}", description=help_line)
    module.add_arguments(parser)
    try:
        with settings.typed():
            return int(module.run(parser.parse_args(given[1:])))
    except BankmartError as error:
        print(f"bankmart {name}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has seen enough (`bankmart status | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if type(error).__name__ in ("StatementEnded", "NoRoom"):
            print(f"bankmart {name}: {error}", file=sys.stderr)
            return 1
        if type(error).__name__ != "OperationalError":
            raise
        # By name: the database's driver is imported by the commands that need it, not by `bankmart --help`.
        print(
            f"bankmart {name}: the database does not answer: {str(error).strip()}\nStart it by `make up`.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


def usage() -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {help_line}" for name, (_, help_line) in COMMANDS.items()]
    return "\n".join(["usage: bankmart COMMAND [--help] …", "", *lines])


if __name__ == "__main__":
    sys.exit(main())
