"""A tag model of the working tree, computed for the last published date without writing anything."""

from __future__ import annotations

from bankmart import db, dbt, settings
from bankmart.errors import BankmartError
from bankmart.governance import build as builds
from bankmart.governance.build import Build


class TrialError(BankmartError):
    """The working tree's tag can't be computed: says why."""


def newest_build() -> Build:
    """The build of the newest published date. Raises TrialError where none is published."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select build_id from governance.publication order by business_date desc limit 1")
        row = cursor.fetchone()
    if row is None:
        raise TrialError("no date is published yet, so there is nothing to try a tag on: run `make demo` first")
    return builds.get(row[0])


def compile_model(model: str, build: Build) -> str:
    """The select of a model for a build. Raises TrialError with dbt's words where it doesn't compile."""
    arguments = ["compile", "--log-level", "none", "--select", model, "--indirect-selection", "empty"]
    result = dbt.invoke(arguments, dbt.variables(build), settings.state_dir() / "dbt" / "trial")
    nodes = [item.node for item in result.result.results] if result.success and result.result else []
    found = [node.compiled_code for node in nodes if node.name == model]
    if not found:
        raise TrialError(f"{model} does not compile: {result.exception or 'dbt has no such model'}")
    return str(found[0])
