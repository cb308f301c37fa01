from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest

from ml.techniques import quickscorer, trees
from ml.techniques.quickscorer import IDENTITY, SIGMOID, ZERO, Trees, Unsupported
from ml.techniques.trees import is_same, make

USUAL = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 2, "learning_rate": 0.2}


def rows_of(rng, count, features=6, nulls=0.1):
    """Whole numbers, tiny ones and nulls, so that values equal thresholds and 0."""
    numbers = rng.normal(size=(count, features)).round(1)
    numbers[:, 1] = rng.integers(-2, 3, count)
    numbers[rng.random(numbers.shape) < 0.05] = 0
    numbers[:, :4][rng.random((count, 4)) < nulls] = np.nan
    return numbers


def fitted(seed, count=2000, rounds=12, nulls=0.1, change=None, **params):
    rng = np.random.default_rng(seed)
    numbers = rows_of(rng, count, nulls=nulls)
    if change:
        change(numbers)
    known = np.nan_to_num(numbers, posinf=9, neginf=-9)
    chance = known[:, 0] + np.isnan(numbers[:, 2]) - known[:, 4] ** 2 + known[:, 5]
    label = rng.random(count) < 1 / (1 + np.exp(-2 * chance))
    data = lightgbm.Dataset(numbers, label, free_raw_data=False, **params.pop("data", {}))
    return lightgbm.train({**USUAL, "seed": seed, **params}, data, num_boost_round=rounds)


def strange(booster, seed, count=3000):
    """Rows as in training, and with thresholds, what is next to them, infinite and tiny values strewn among them."""
    rng = np.random.default_rng([seed, 1])
    numbers = rows_of(rng, count, nulls=0.2)
    table = booster.trees_to_dataframe() if booster.num_trees() else None
    limits = [0.0] if table is None else [float(one) for one in table["threshold"].dropna()] or [0.0]
    near = [*limits, *np.nextafter(limits, np.inf), *np.nextafter(limits, -np.inf)]
    near += [np.inf, -np.inf, 0.0, -0.0, 1e-35, -1e-35, 1e-36, -1e-36, 5e-324, ZERO, -ZERO, 1e308]
    there = rng.random(numbers.shape) < 0.3
    numbers[there] = rng.choice(near, there.sum())
    numbers[0], numbers[1] = np.nan, 0
    return numbers


def bits(numbers):
    return np.asarray(numbers, float).view(np.int64).tolist()


def assert_same(booster, seed=0, found=None):
    found = found or Trees(booster.model_to_string())
    numbers = strange(booster, seed)
    for rows in (numbers, np.asfortranarray(numbers), numbers[:1], numbers[:0], numbers[::3]):
        wanted = booster.predict(rows, raw_score=True) if len(rows) else []
        assert bits(found.raw(rows)) == bits(wanted)
        if found.objective in (IDENTITY, SIGMOID) and len(rows):
            assert bits(found.predicted(rows)) == bits(booster.predict(rows))
    assert is_same(found, booster, 1)


@pytest.mark.parametrize("leaves", [2, 3, 7, 8, 9, 15, 16, 17, 31, 32])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_to_the_bit(leaves, seed):
    booster = fitted(seed, num_leaves=leaves)
    assert booster.trees_to_dataframe().groupby("tree_index")["left_child"].count().max() == leaves - 1
    assert_same(booster, seed)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_for_drawn_parameters(seed):
    rng = np.random.default_rng([seed, 7])
    params = {
        "num_leaves": int(rng.integers(2, 33)),
        "max_depth": int(rng.choice([-1, 2, 5])),
        "objective": str(rng.choice(["binary", "regression", "huber", "poisson", "lambdarank"])),
        "boosting": str(rng.choice(["gbdt", "dart"])),
        "extra_trees": bool(rng.random() < 0.3),
        "lambda_l1": float(rng.choice([0, 1])),
        "max_bin": int(rng.choice([3, 20, 255])),
        "use_missing": bool(rng.random() < 0.8),
    }
    if params["objective"] == "lambdarank":
        params["data"] = {"group": [20] * 100}
    assert_same(fitted(seed, rounds=int(rng.integers(1, 40)), nulls=float(rng.choice([0, 0.1, 0.9])), **params), seed)


def test_nulls_that_training_never_saw_count_as_0():
    booster = fitted(1, nulls=0.0)
    assert set(booster.trees_to_dataframe()["missing_type"].dropna()) == {"None"}
    assert_same(booster)


def test_nulls_go_either_way():
    def only_nulls_matter(numbers):
        numbers[:, 4:] = np.where(np.isnan(numbers[:, 2:4]), np.nan, numbers[:, 4:])

    booster = fitted(2, change=only_nulls_matter, num_leaves=20, rounds=60)
    table = booster.trees_to_dataframe()
    assert {"left", "right"} <= set(table["missing_direction"].dropna())
    assert "NaN" in set(table["missing_type"])
    assert_same(booster)


def test_a_column_of_nulls_alone():
    def nothing(numbers):
        numbers[:, 0] = np.nan

    assert_same(fitted(3, change=nothing))


def test_infinite_in_training():
    def far(numbers):
        numbers[::7, 5], numbers[::5, 4] = np.inf, -np.inf

    assert_same(fitted(4, change=far))


def test_trees_without_a_split_and_none_at_all():
    constant = fitted(5, count=100, min_data_in_leaf=200)
    assert "num_leaves=1\n" in constant.model_to_string()
    assert_same(constant)
    none = lightgbm.Booster(USUAL, lightgbm.Dataset(np.eye(100, 6), np.arange(100) % 2))
    assert none.num_trees() == 0
    assert_same(none)


def test_a_model_that_stopped_early_has_its_best_trees_only():
    rng = np.random.default_rng(6)
    numbers = rows_of(rng, 400)
    label = numbers[:, 5] + rng.normal(size=400) > 0
    data = lightgbm.Dataset(numbers[:200], label[:200])
    booster = lightgbm.train(
        USUAL, data, 50, valid_sets=[data.create_valid(numbers[200:], label[200:])],
        callbacks=[lightgbm.early_stopping(3, verbose=False)], keep_training_booster=True,
    )  # fmt: skip
    assert 0 < booster.best_iteration < booster.num_trees()
    assert_same(booster)


def test_scores_that_have_no_exponential():
    text = fitted(6, rounds=3, num_leaves=4).model_to_string()
    # Which say where each tree begins.
    text = re.sub("tree_sizes=.*\n", "", text)
    for place, far in enumerate(("-709.5", "-800", "800", "-709.9")):
        text = altered(text, 0, "leaf_value", place, lambda word, far=far: far)
    booster = lightgbm.Booster(model_str=text)
    assert {0.0, 1.0} < set(booster.predict(strange(booster, 6)).tolist())
    assert_same(booster)


def test_more_rows_than_are_done_at_once(monkeypatch):
    monkeypatch.setattr(quickscorer, "ROWS", 700)
    assert_same(fitted(7, num_leaves=20))


def test_many_threads_on_one_model():
    booster = fitted(8, num_leaves=12, rounds=30)
    found, numbers = Trees(booster.model_to_string()), strange(booster, 8, 30_000)
    wanted = booster.predict(numbers, raw_score=True)
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(one, wanted) for one in pool.map(found.raw, [numbers] * 8))


OTHERS = {
    "categories": {"data": {"categorical_feature": [1]}, "change": lambda numbers: numbers[:, 1].__iadd__(2)},
    "large": {"num_leaves": 40},
    "linear": {"linear_tree": True},
    "zeros as missing": {"zero_as_missing": True},
    "an average": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    "classes": {"objective": "multiclass", "num_class": 3},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_not_done_here_is_done_by_lightgbm(kind, caplog):
    booster = fitted(9, **OTHERS[kind])
    with pytest.raises(Unsupported):
        Trees(booster.model_to_string())
    numbers = rows_of(np.random.default_rng(1), trees.WORTH_MAKING)
    with caplog.at_level(logging.WARNING, "bankmart"):
        assert np.array_equal(trees.raw(booster, numbers, 1), booster.predict(numbers, raw_score=True))
        assert np.array_equal(trees.predicted(booster, numbers, 1), booster.predict(numbers))
    assert not caplog.records


@pytest.mark.parametrize("objective", ["binary", "regression", "poisson"])
def test_many_rows_are_done_here_and_few_by_lightgbm(objective, monkeypatch):
    booster = fitted(10, objective=objective)
    numbers, asked = np.tile(strange(booster, 10), (7, 1)), []
    whole = Trees.raw
    monkeypatch.setattr(Trees, "raw", lambda self, rows: asked.append(len(rows)) or whole(self, rows))
    wanted, raw = booster.predict(numbers), booster.predict(numbers, raw_score=True)
    assert bits(trees.raw(booster, numbers[:3000], 1)) == bits(raw[:3000])
    assert not asked
    assert bits(trees.raw(booster, numbers, 1)) == bits(raw)
    assert bits(trees.raw(booster, numbers[:3000], 1)) == bits(raw[:3000])
    assert asked[-2:] == [len(numbers), 3000]
    assert bits(trees.predicted(booster, numbers, 1)) == bits(wanted)
    assert bits(trees.raw(booster, numbers[:10], 1)) == bits(raw[:10])
    assert asked[-1] != 10


def test_as_many_columns_as_the_model_has():
    booster = fitted(11)
    with pytest.raises(lightgbm.basic.LightGBMError, match="number of features"):
        trees.raw(booster, np.zeros((trees.WORTH_MAKING, 5)), 1)


def altered(text, tree, name, place, change):
    """The model's text with one number of a tree changed."""
    head, *parts = text.split("\nTree=")
    lines = parts[tree].split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith(f"{name}="))
    words = lines[at].partition("=")[2].split()
    words[place] = change(words[place])
    lines[at] = f"{name}={' '.join(words)}"
    parts[tree] = "\n".join(lines)
    return "\nTree=".join([head, *parts])


TAMPERED = {
    "leaf_value": lambda word: repr(float(word) * (1 + 1e-6) + 1e-9),
    "threshold": lambda word: repr(float(np.nextafter(float(word), np.inf))),
    "split_feature": lambda word: str((int(word) + 1) % 6),
    "decision_type": lambda word: str(int(word) ^ 2),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_number_is_found(name):
    """Wherever it matters: a null's way may not, below a split that sent nulls elsewhere."""
    booster = fitted(12, num_leaves=11, rounds=5, max_bin=15)
    text, numbers = booster.model_to_string(), strange(booster, 12, 100_000)
    wanted, matters = booster.predict(numbers, raw_score=True), 0
    for tree in range(5):
        for place in range(11 if name == "leaf_value" else 10):
            tampered = Trees(altered(text, tree, name, place, TAMPERED[name]))
            if not np.array_equal(tampered.raw(numbers), wanted):
                matters += 1
                assert not is_same(tampered, booster, 1), (tree, place)
    assert matters > (10 if name == "decision_type" else 45)


def test_a_difference_is_told_and_lightgbm_scores(monkeypatch, caplog):
    booster = fitted(13)
    numbers = np.tile(strange(booster, 13), (7, 1))
    text = altered(booster.model_to_string(), 3, "leaf_value", 1, TAMPERED["leaf_value"])
    monkeypatch.setattr(booster, "model_to_string", lambda: text)
    assert not np.array_equal(Trees(text).raw(numbers), booster.predict(numbers, raw_score=True))
    with caplog.at_level(logging.WARNING, "bankmart"):
        assert np.array_equal(trees.raw(booster, numbers, 1), booster.predict(numbers, raw_score=True))
        assert np.array_equal(trees.predicted(booster, numbers, 1), booster.predict(numbers))
    (record,) = caplog.records
    assert "differ from LightGBM's" in record.getMessage()


def test_a_text_of_another_kind_is_told(monkeypatch, caplog):
    booster = fitted(14)
    text = booster.model_to_string().replace("left_child", "first_child")
    monkeypatch.setattr(booster, "model_to_string", lambda: text)
    with caplog.at_level(logging.WARNING, "bankmart"):
        assert make(booster, 1) is None
    assert "its text isn't as known" in caplog.records[0].getMessage()
