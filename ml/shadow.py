"""A new version scores the newest published build beside the champion, before they are compared; nobody is shown it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from bankmart import db, settings
from ml import score
from ml.data.build import published_build
from ml.errors import ArtefactRefused, DataError
from ml.spec import load_spec

if TYPE_CHECKING:
    from ml.techniques import Technique

REPORT = "shadow"
# Score table → whose a row is, what is told of it, and which rows tell it.
TOLD = {
    "customer_score": ("customer_id", "band", sql.SQL("true")),
    "feedback_score": ("feedback_id", "band", sql.SQL("true")),
    "customer_offer": ("customer_id", "offer", sql.SQL("a.rank = 1 and b.rank = 1")),
}


def run(model: str, as_of: date, version: int) -> dict[str, Any]:
    """Score the newest build published on or before `as_of` with a version that isn't the champion.

    How many customers it puts into another band than the champion is kept in its run, for `ml.compare`. The same again
    replaces its own scores. `{"skipped": reason}` where there is no published build, or the version is the champion.
    Raises DataError or ArtefactRefused where it can't score: such a version is not to be compared.
    """
    settings.apply_environment()
    from ml.techniques import technique
    from ml.tracking import registry
    from ml.tracking.server import tracking

    spec = load_spec(model)
    with tracking():
        candidate, champion = registry.get_version(model, version), registry.by_alias(model)
    if champion and champion.number == candidate.number:
        return {"model": model, "skipped": f"version {version} is the champion already"}
    with db.connect("scorer") as link:
        build = published_build(link, as_of)
    if build is None:
        return {"model": model, "skipped": f"no daily build is published as of {as_of}: nothing to score in the shadow"}
    try:
        scored = score.run(model, build.business_date, build_id=build.build_id, version=version)
    except (ArtefactRefused, DataError) as error:
        raise type(error)(
            f"{model} version {version} can't score build {build.build_id} of {build.business_date} in the shadow, so"
            f" it isn't compared with the champion: {error}"
        ) from error
    compared, moved, beside = _moved(technique(spec.technique), model, build.build_id, candidate.number)
    found = {"build_id": build.build_id, "business_date": build.business_date.isoformat(), "version": candidate.number}
    found |= {"rows": scored.get("rows", 0), "champion": beside, "compared": compared, "moved": moved}
    found["says"] = _says(found)
    with tracking():
        registry.add_report(candidate, REPORT, f"{found['says']}\n", found)
    print(f"{model}: {found['says']}")
    return {"model": model, **found}


def _moved(how: Technique, model: str, build_id: int, version: str) -> tuple[int, int, str | None]:
    """How many rows both sides scored, how many stand in another band (or have another first offer), beside whom."""
    there = {kind.table for kind in (how.scores, *how.more_scores)}
    table = next(name for name in TOLD if name in there)
    key, what, which = TOLD[table]
    query = sql.SQL(
        "select count(*), count(*) filter (where a.{what} is distinct from b.{what}), min(b.model_version)"
        " from {table} a join {table} b using (as_of_date, build_id, model, {key})"
        " where model = {model} and build_id = {build} and a.model_version = {version} and not a.is_champion"
        " and b.is_champion and {which}"
    ).format(
        what=sql.Identifier(what),
        table=sql.Identifier("scores", table),
        key=sql.Identifier(key),
        model=sql.Literal(model),
        build=sql.Literal(build_id),
        version=sql.Literal(version),
        which=which,
    )
    with db.connect("scorer") as link, link.cursor() as cursor:
        cursor.execute(query)
        ((compared, moved, beside),) = cursor.fetchall()
    return compared, moved, beside


def _says(found: dict[str, Any]) -> str:
    where = f"In the shadow on build {found['build_id']} of {found['business_date']}: {found['rows']} scores"
    if not found["compared"]:
        return f"{where}; no champion has scored that build, so nobody's band can be compared."
    share = found["moved"] / found["compared"]
    return (
        f"{where}; {found['moved']} of {found['compared']} ({share:.1%}) stand in another band, or have another first"
        f" offer, than by champion {found['champion']}."
    )
