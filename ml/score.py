"""Score a build's customers with the champion: streamed, all or nothing, the same again when run again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

from bankmart import db, faults, settings
from bankmart.governance import notices
from bankmart.governance.people.erasure import fence
from ml import acts
from ml.data.build import champion_of, daily_build, shown_build
from ml.data.columns import as_number, in_population, refuse_infinite, require_numeric
from ml.data.scores import Scored, Target, replace_scores
from ml.data.silent import Silence
from ml.data.stream import CHUNK_ROWS, stream
from ml.data.stream import Chunk as Customers
from ml.errors import ArtefactRefused, DataError, TrackingUnavailable
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection

    from ml.tracking.registry import Version


def run(
    model: str,
    as_of: date,
    build_id: int | None = None,
    alias: str = "champion",
    version: int | None = None,
    anew: bool = False,
) -> dict[str, Any]:
    """Score the daily build given, else the newest of `as_of`, with the version that holds `alias`.

    A date that readers see is built again as it was: not today's champion scores it but the version that did, unless
    that was taken back since, or `anew` is asked for. A `version` given by number scores in the shadow: it is never
    taken for the champion's. Where the champion's files are refused, the champion before it scores in its place
    (`stands_in_for`), and people are told.
    Without such a version the result is `{"skipped": reason}`. Raises DataError where the build or its
    features are wrong or aren't what the version's signature promises, ArtefactRefused where the version's files are
    refused and nothing stands in, TrackingUnavailable where MLflow doesn't answer; the scores are then as they were.
    """
    settings.apply_environment()
    with acts.scoring(model, as_of):
        return _run(model, as_of, build_id, alias if version is None else "shadow", version, anew)


def _run(model: str, as_of: date, build_id: int | None, alias: str, number: int | None, anew: bool) -> dict[str, Any]:
    from ml.tracking.server import tracking
    from ml.tracking.signature import refuse_drift

    spec = load_spec(model)
    with tracking():
        from ml.techniques import technique
        from ml.tracking import registry

        how = technique(spec.technique)
        tables = [kind.table for kind in (how.scores, *how.more_scores)]
        champion = registry.by_alias(model, alias) if number is None else registry.get_version(model, number)
        reason = f"{model} has no {alias}: train it and promote it first"
        if alias == "champion" and champion and not anew:
            champion, reason = _as_it_was(champion, as_of, tables)
        faults.point("serve.champion")
        version, loaded = _loaded(spec, champion, as_of, alias == "champion") if champion else (None, None)
    if version is None or loaded is None:
        print(f"{model} as of {as_of}: nothing scored, {reason}.")
        return {"model": model, "as_of": as_of.isoformat(), "skipped": reason}

    faults.point("serve.loaded")
    with fence.apart("scorer"), db.connect("scorer") as reader, db.connect("scorer") as writer:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        build = daily_build(reader, as_of, build_id)
        refuse_drift(reader, spec, loaded.signed, f"{model} version {version.number}")
        target = Target(as_of, build.build_id, model, version.number, alias == "champion", version.run_id)
        rows, tally = replace_scores(writer, target, how.scored(reader, spec, loaded, target), tables)
    if not rows:
        reason = f"no customer of build {build.build_id} belongs to the population ({spec.population.statement})"
        print(f"{model} as of {as_of}: nothing scored, {reason}.")
        return {"model": model, "as_of": as_of.isoformat(), "build_id": build.build_id, "skipped": reason}
    print(
        f"{model} as of {as_of}: {rows} scores of build {build.build_id} by version {version.number}"
        f" ({alias}): {', '.join(f'{count} {what}' for what, count in tally.most_common())}"
    )
    faults.point("serve.scored")
    verdict = _keep_drift(spec, version, as_of, getattr(loaded, "seen", None))
    return {
        "model": model,
        "as_of": as_of.isoformat(),
        "build_id": build.build_id,
        "version": version.number,
        "stands_in_for": champion.number if champion and champion.number != version.number else None,
        "run_id": version.run_id,
        "rows": rows,
        "bands": dict(tally),
        "drift": verdict,
    }


def _as_it_was(champion: Version, as_of: date, tables: list[str]) -> tuple[Version | None, str]:
    """The champion; of a date that readers see the version that scored it, if not taken back. None with the reason."""
    from ml.tracking import registry

    model, other = champion.model, f"python -m ml score {champion.model} --as-of {as_of} --anew"
    with db.connect("scorer") as link:
        shown = shown_build(link, as_of)
        number = champion_of(link, shown, as_of, model, tables) if shown else None
    if shown and number is None:
        return None, f"readers see the date without its scores, and it is built again as it was ({other}: all the same)"
    if number is None or str(number) == champion.number:
        return champion, ""
    earlier = registry.get_version(model, number)
    if "rolled_back" in earlier.tags:
        return champion, ""
    print(f"{model}: version {number} scored {as_of} as readers see it, and does again; today's champion: {other}")
    return earlier, ""


def _loaded(spec: Spec, version: Version, as_of: date, is_champion: bool) -> tuple[Version, Any]:
    """The version and its model; where a champion's files are refused, those of the champion before it, said aloud.

    Raises ArtefactRefused where there was none before, a person took it back, or its files are refused as well.
    """
    from ml.tracking import registry

    try:
        return version, registry.load(spec, version)
    except ArtefactRefused as refused:
        earlier = registry.replaced(version) if is_champion else None
        if earlier is None or "rolled_back" in earlier.tags:
            raise
        try:
            loaded = registry.load(spec, earlier)
        except ArtefactRefused:
            raise refused from None
        print(f"{refused}\n{spec.name}: version {earlier.number}, the champion before it, scores {as_of} instead.")
        acts.stood_in(version, earlier, as_of, str(refused))
        return earlier, loaded


def _keep_drift(spec: Spec, version: Any, as_of: date, seen: Any) -> str | None:
    """Log the drift of the customers scored and return its verdict. The scores stand, whether it can be kept or not."""
    if seen is None:
        return None
    from ml.judging.drift import DRIFTED_WORD, report
    from ml.tracking import registry
    from ml.tracking.server import tracking

    found = seen.report()
    try:
        with tracking():
            registry.log_drift(version, as_of, found, report(f"{spec.name} version {version.number}, {as_of}", found))
    except TrackingUnavailable as error:
        print(error)
    print(f"  against training: {found.verdict}, PSI of the score {found.shifts[0].psi:.3f}")
    if found.verdict == DRIFTED_WORD:
        moved = "\n".join(f"{one.name}: PSI {one.psi:.2f}" for one in found.shifts if one.verdict == DRIFTED_WORD)
        what = f"{spec.name} version {version.number}: the customers of {as_of} are not those it was trained on"
        notices.tell("drift", what, f"{moved}\nIts scores stand. Look at its slices in MLflow; train a version anew.")
    return str(found.verdict)


def scored(link: connection, spec: Spec, model: Any, target: Target) -> Iterator[Scored]:
    """Every customer of the population, chunk by chunk, by a model with `score`, `bands` and `reasons`.

    Raises DataError where a feature is missing, of another kind or infinite, and at the end where one has gone
    silent since training.
    """
    names = model.features
    types = require_numeric(link, spec.features_table, (*names, spec.population.column))
    source = sql.SQL("from {features} f where f.build_id = {build} and f.as_of_date = {as_of} and {population}").format(
        features=sql.Identifier(*spec.features_table),
        build=sql.Literal(target.build_id),
        as_of=sql.Literal(target.as_of),
        population=in_population("f", spec.population, types[spec.population.column]),
    )
    columns = [as_number("f", name, types[name]) for name in names]
    _require_customers(link, spec, target)
    yield from by_chunk(spec, model, target, stream(link, columns, source, chunk_rows=CHUNK_ROWS, by_column=True))


def by_chunk(spec: Spec, model: Any, target: Target, chunks: Iterator[Customers]) -> Iterator[Scored]:
    """As `scored`, of chunks of customers with the model's features in order.

    A model that can `watch` is left what was seen, as `seen`.
    """
    where = " or ".join(dict.fromkeys(".".join(table) for table in spec.tables if table != spec.label_table))
    silence = Silence(model.features, model.null_shares)
    watch = model.watch() if hasattr(model, "watch") else None
    for chunk in chunks:
        refuse_infinite(model.features, chunk.numbers, where)
        silence.hear(chunk.numbers)
        scores = model.score(chunk.numbers)
        if watch:
            watch.add(chunk.numbers, scores)
        bands = model.bands(scores)
        acted_on = np.isin(bands, spec.reasons_for)
        reasons = iter(model.reasons(chunk.numbers[acted_on], spec.reason_count))
        yield Scored(chunk.customers, scores, bands, [next(reasons) if acted else None for acted in acted_on])
    silence.refuse(where, target.build_id)
    if watch and silence.rows:
        model.seen = watch


def _require_customers(link: connection, spec: Spec, target: Target) -> None:
    with link.cursor() as cursor:
        cursor.execute(
            sql.SQL("select exists (select from {} where build_id = %s and as_of_date = %s)").format(
                sql.Identifier(*spec.features_table)
            ),
            (target.build_id, target.as_of),
        )
        ((has_some,),) = cursor.fetchall()
    if not has_some:
        raise DataError(
            f"{'.'.join(spec.features_table)} has no customer of build {target.build_id} on {target.as_of}."
            " The features of that build weren't made: build them first."
        )
