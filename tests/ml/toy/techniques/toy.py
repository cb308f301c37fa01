"""A technique that shares nothing with the others: rows of customer numbers, a rule, and offers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date

import numpy as np

from bankmart import db
from ml.data.build import training_build
from ml.data.scores import Offered
from ml.judging.judgement import judgement

scores = Offered
MORE_IS_BETTER = {"hits": True, "misses": False}


class Numbers:
    features = ("number",)
    types = {"number": "text"}
    empty = ()
    positives = None

    def __init__(self, build, rows):
        self.build = build
        self.days = np.array([day for day, _ in rows])
        self.numbers = np.array([int(customer[1:]) for _, customer in rows])
        self.content_hash = hashlib.sha256(repr(rows).encode()).hexdigest()

    @property
    def rows(self):
        return len(self.numbers)

    def dates(self):
        return sorted(set(self.days.tolist()))

    def on(self, day):
        return self.days == day


class Halves:
    rule = "the newest date tests"

    def __init__(self, data):
        *learnt, newest = data.dates()
        self.test = data.on(newest)
        self.periods = {
            "train": [day.isoformat() for day in learnt],
            "calibration": [],
            "test": [newest.isoformat()],
        }

    def newest_learnt(self):
        return date.fromisoformat(self.periods["train"][-1])


class Model:
    features = ("number",)

    def __init__(self, divisor, facts):
        self.divisor, self.facts = divisor, facts

    def judge(self, data, rows, seed):
        return self._compare(data.numbers[rows], 3)

    def against(self, rival, data, rows, seed):
        return self._compare(data.numbers[rows], rival.divisor)

    def _compare(self, numbers, other):
        hits = np.array([np.sum(numbers % divisor == numbers % 2) for divisor in (self.divisor, other)])
        value = np.stack([hits, len(numbers) - hits], axis=1).astype(float)
        judged = judgement(len(numbers), None, MORE_IS_BETTER, value, np.repeat(value[None], 3, axis=0))
        absent = {"calibration": "hits are counted, nothing is promised", "drift": "a number's parity doesn't move"}
        return replace(judged, absent=absent)

    def figures(self, data, rows, seed):
        return {}

    def save(self, folder, example):
        folder.mkdir()
        (folder / "MLmodel").write_text("flavors: {}\n")
        (folder / "toy.json").write_text(json.dumps({"divisor": self.divisor, "facts": self.facts, "example": example}))


def read(spec, as_of, build_id=None):
    with db.connect("scorer") as link, link.cursor() as cursor:
        build = training_build(link, as_of, build_id)
        cursor.execute(
            "select as_of_date, customer_id from features.ftr_customer where build_id = %s order by 1, 2",
            (build.build_id,),
        )
        return Numbers(build, cursor.fetchall())


def split(spec, data):
    return Halves(data)


def check(link, spec, data):
    return "nothing to look at"


def example(data, split):
    return {"number": 12}


def train(spec, data, split):
    return Model(spec.params.get("divisor", 2), {"baseline": "divisible by three", "about": ["A rule."], "divisor": 2})


def load(folder):
    plain = json.loads((folder / "toy.json").read_text())
    return Model(plain["divisor"], plain["facts"])


def scored(reader, spec, model, target):
    with reader.cursor() as cursor:
        cursor.execute("select customer_id from features.ftr_customer where build_id = %s", (target.build_id,))
        for (customer,) in cursor.fetchall():
            fits = int(customer[1:]) % model.divisor == 0
            yield Offered(
                customers=np.array([customer, customer]),
                offers=np.array(["even", "odd"]),
                ranks=np.array([1, 2]) if fits else np.array([0, 1]),
                scores=np.array([1e6, -1.0]),
                reasons=[json.dumps([{"feature": "number"}]), None],
                excluded=[None if fits else "the number is odd", None],
            )
