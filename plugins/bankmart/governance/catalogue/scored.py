"""Which models have scored, and why a tag of one that hasn't is absent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from bankmart import db

TABLES = ("customer_score", "customer_offer", "customer_exclusion", "feedback_score")
_QUERY = " union ".join(
    f"select asked.model from unnest(%(models)s::text[]) as asked (model) where exists (select from scores.{table} as"  # noqa: S608
    " score where score.as_of_date = %(day)s and score.build_id = %(build)s and score.model = asked.model"
    " and score.is_champion)"
    for table in TABLES
)


def scored(build_id: int, day: date, models: Iterable[str]) -> frozenset[str]:
    """Those of the models whose champion has scored the build."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(_QUERY, {"models": sorted(models), "day": day, "build": build_id})
        return frozenset(model for (model,) in cursor.fetchall())


def scored_lately(models: Iterable[str]) -> frozenset[str]:
    """Those of the models whose champion has scored the newest published date; none where nothing is published."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select build_id, business_date from governance.publication order by business_date desc limit 1")
        newest = cursor.fetchone()
    if newest is None:
        return frozenset()
    build_id, day = newest
    return scored(build_id, day, models)


def why_not(
    needed: Collection[str], there: Collection[str], sources: Mapping[str, Collection[str]], delivered: Collection[str]
) -> str | None:
    """Why a tag of the models `needed` is absent, where `there` have scored; None where it isn't.

    `sources` are the source tables that each model can't be trained without.
    """
    reasons = []
    for model in needed:
        if model in there:
            continue
        lacking = [table for table in sources.get(model, ()) if table not in delivered]
        verb = "has" if len(lacking) == 1 else "have"
        reasons.append(
            f"the model {model} can't be trained: {' and '.join(lacking)} {verb} never delivered"
            if lacking
            else f"the model {model} has no champion that has scored the date: train and promote it"
        )
    return "; ".join(reasons) or None
