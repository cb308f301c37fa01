"""Grade and category as one value that can only be joined upwards; the ways of lowering it are listed in one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bankmart.governance import project

CATEGORIES = ("none", "C1", "C2", "C3")


@dataclass(frozen=True)
class Grade:
    """Grade 1–5 (JR/T 0197-2020) and category (JR/T 0171-2020) as its place in CATEGORIES."""

    level: int = 1
    category: int = 0

    def __or__(self, other: Grade) -> Grade:
        """What is made of both: the higher of each."""
        return Grade(max(self.level, other.level), max(self.category, other.category))

    def covers(self, other: Grade) -> bool:
        """Whether data of the other grade may stand in a column of this one."""
        return self.level >= other.level and self.category >= other.category

    def __str__(self) -> str:
        return f"grade {self.level}, category {CATEGORIES[self.category]}"


LOWEST = Grade()


def join(grades: Iterable[Grade]) -> Grade:
    """The highest of all; LOWEST of none."""
    found = LOWEST
    for each in grades:
        found |= each
    return found


def of_class(about: dict[str, Any]) -> Grade:
    """The grade that an entry of `vars.data_classes` gives."""
    return Grade(int(about["grade"]), CATEGORIES.index(about["category"]))


@dataclass(frozen=True)
class Breakers:
    """`vars.grade_breakers`: the only expressions that lower a grade, and how far."""

    token_functions: frozenset[str]
    token: Grade
    bucket_steps: int
    bucket_least: int
    bucket_values: int
    crowd_customers: int
    crowd_aggregates: frozenset[str]
    crowd: Grade
    link_models: frozenset[str]
    link: Grade

    def bucketed(self, grade: Grade) -> Grade:
        """One of a few fixed values: a step lower, of the same category, for it is still said of one person."""
        return Grade(max(min(grade.level, self.bucket_least), grade.level - self.bucket_steps), grade.category)


def breakers() -> Breakers:
    """As dbt_project.yml has them."""
    said = project.variables()["grade_breakers"]
    token, bucket, crowd, link = said["token"], said["bucketing"], said["crowd"], said["link"]
    return Breakers(
        token_functions=frozenset(token["functions"]),
        token=of_class(token),
        bucket_steps=int(bucket["steps"]),
        bucket_least=int(bucket["least"]),
        bucket_values=int(bucket["values"]),
        crowd_customers=int(crowd["customers"]),
        crowd_aggregates=frozenset(crowd["aggregates"]),
        crowd=of_class(crowd),
        link_models=frozenset(link["models"]),
        link=of_class(link),
    )
