"""The raw scores of boosted trees by numpy, as LightGBM gives them to the bit, column by column.

After QuickScorer (Lucchese et al., SIGIR 2015): instead of walking every tree for every row, each split is compared
for all rows at once. A row that goes right at a split can't end in any leaf to its left: those leaves' bits are set,
and the first leaf without is where the row ends. Leaves' values are added tree after tree, as LightGBM does.

What only LightGBM evaluates: categorical splits, zeros as
missing, linear trees, several classes, averages (random forests), trees of more than `MOST_LEAVES` leaves.
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

import numpy as np

# Rows evaluated at once.
ROWS = 20_000
# With more, walking a tree is as quick as comparing all its splits.
MOST_LEAVES = 32
# LightGBM reads every number up to here as 0.
ZERO = float(np.float32(1e-35))
CATEGORICAL, DEFAULT_LEFT, MISSING, ZERO_IS_MISSING, NAN_IS_MISSING = 1, 2, 12, 4, 8
IDENTITY, SIGMOID = "regression", "binary sigmoid:1"
# The lowest bit that a byte lacks; 8 for none.
_LOWEST = np.array([next(bit for bit in range(9) if not byte >> bit & 1) for byte in range(256)])
_ALL = np.array(255, np.uint8)
# The most that has an exponential.
_MOST = math.log(sys.float_info.max)


class Unsupported(Exception):
    """The model has something that only LightGBM evaluates."""


class Step(NamedTuple):
    """A way taken at a split."""

    feature: int
    threshold: float
    right: bool
    nan_right: bool


class Trees:
    """The trees of a model's text. Raises Unsupported where they are LightGBM's alone; any number of threads may ask.

    Leaves count from left to right. Each tree has one or more groups of eight leaves, a byte each.
    """

    def __init__(self, text: str) -> None:
        head, *parts = text.partition("\nend of trees")[0].split("\nTree=")
        said = dict(line.partition("=")[::2] for line in head.splitlines())
        if "average_output" in said or said["num_class"] != "1" or said["num_tree_per_iteration"] != "1":
            raise Unsupported("several classes, or an average")
        self.features = int(said["max_feature_idx"]) + 1
        self.objective = said.get("objective", "")
        # By feature, by threshold and whether a null goes right: the groups with the leaves to the left of the split.
        splits: dict[int, dict[tuple[float, bool], list[tuple[int, np.ndarray]]]] = {}
        # By group, by the byte of those that are out: the value of the first that isn't; 0 if all are.
        self.values: list[np.ndarray] = []
        self.is_first: list[bool] = []
        # By leaf of all trees: what leads to it.
        self.paths: list[tuple[Step, ...]] = []
        for part in parts:
            self._read(dict(line.partition("=")[::2] for line in part.splitlines()), splits)
        self.splits = {
            feature: [(np.array(limit), nan_right, uses) for (limit, nan_right), uses in of_it.items()]
            for feature, of_it in splits.items()
        }

    def _read(
        self, said: dict[str, str], splits: dict[int, dict[tuple[float, bool], list[tuple[int, np.ndarray]]]]
    ) -> None:
        if int(said["num_leaves"]) > MOST_LEAVES or int(said["num_cat"]) or int(said["is_linear"]):
            raise Unsupported("large, linear or categorical trees")
        feature, kind, lefts, rights = (
            [int(word) for word in said.get(name, "").split()]
            for name in ("split_feature", "decision_type", "left_child", "right_child")
        )
        threshold = [_bound(float(word)) for word in said.get("threshold", "").split()]
        value = [float(word) for word in said["leaf_value"].split()]
        if any(one & CATEGORICAL or one & MISSING == ZERO_IS_MISSING for one in kind):
            raise Unsupported("categories, or zeros as missing")
        begin, order = len(self.values), list[float]()

        def walk(node: int, path: tuple[Step, ...]) -> int:
            """The leaves under a node."""
            if node < 0:
                self.paths.append(path)
                order.append(value[~node])
                return 1 << len(order) - 1
            at, limit = feature[node], threshold[node]
            nan_right = not kind[node] & DEFAULT_LEFT if kind[node] & MISSING == NAN_IS_MISSING else limit < 0
            left = walk(lefts[node], (*path, Step(at, limit, False, nan_right)))
            bytes_ = np.frombuffer(left.to_bytes(MOST_LEAVES // 8, "little"), np.uint8)
            uses = splits.setdefault(at, {}).setdefault((limit, nan_right), [])
            uses += [(begin + group, np.array(bytes_[group])) for group in np.flatnonzero(bytes_).tolist()]
            return left | walk(rights[node], (*path, Step(at, limit, True, nan_right)))

        walk(0 if feature else -1, ())
        for start in range(0, len(order), 8):
            group = np.zeros(9)
            group[: len(order[start : start + 8])] = order[start : start + 8]
            self.values.append(group[_LOWEST])
            self.is_first.append(not start)

    def predicted(self, numbers: np.ndarray) -> np.ndarray:
        """The scores (n,) transformed as the objective wants."""
        found = self.raw(numbers)
        if self.objective == IDENTITY:
            return found
        # Not numpy's exp, which differs from the C library's in the last bit.
        power = np.fromiter(map(math.exp, np.minimum(-found, _MOST).tolist()), float, len(found))
        power[-found > _MOST] = np.inf
        return np.asarray(1.0 / (1.0 + power))

    def raw(self, numbers: np.ndarray) -> np.ndarray:
        """The scores (n,) of rows (n, features)."""
        found, most = np.zeros(len(numbers)), min(ROWS, len(numbers))
        memory, some = np.empty((len(self.values), most), np.uint8), np.empty((2, most), np.uint8)
        value = np.empty(most)
        for start in range(0, len(numbers), ROWS):
            rows = numbers[start : start + ROWS]
            out = list(memory[:, : len(rows)])
            memory[:, : len(rows)] = 0
            self._compare(rows, out, some[:, : len(rows)], value[: len(rows)])
            self._add(found[start : start + ROWS], out, some[:, : len(rows)], value[: len(rows)])
        return found

    # Below, what is called per split has its numbers as arrays and its `out` by place, which halves the calls' time.

    def _compare(self, rows: np.ndarray, out: list[np.ndarray], some: np.ndarray, column: np.ndarray) -> None:
        """Set in `out`, a byte (n,) per group, the leaves that the rows (n, features) can't end in."""
        byte, leaves = some
        is_right = byte.view(bool)
        for feature, splits in self.splits.items():
            values = rows[:, feature]
            if not values.flags.c_contiguous:
                np.copyto(column, values)
                values = column
            for threshold, nan_right, uses in splits:
                if nan_right:
                    np.less_equal(values, threshold, is_right)
                    np.logical_not(is_right, is_right)
                else:
                    np.greater(values, threshold, is_right)
                for group, left in uses:
                    np.multiply(byte, left, leaves)
                    np.bitwise_or(out[group], leaves, out[group])

    def _add(self, found: np.ndarray, out: list[np.ndarray], some: np.ndarray, value: np.ndarray) -> None:
        """Add to `found` (n,) the values of the leaves left over."""
        here, done = some
        for at, values in enumerate(self.values):
            if not self.is_first[at]:
                # Where the row has ended in a group before, all of this one's leaves are out.
                np.not_equal(out[at - 1], _ALL, here.view(bool))
                if self.is_first[at - 1]:
                    done[:] = here
                else:
                    np.bitwise_or(done, here, done)
                np.multiply(done, _ALL, here)
                np.bitwise_or(out[at], here, out[at])
            values.take(out[at], None, value, "clip")
            np.add(found, value, found)


def _bound(threshold: float) -> float:
    """A threshold that says of tiny values what LightGBM's says of 0."""
    if abs(threshold) > ZERO:
        return threshold
    return ZERO if threshold >= 0 else float(np.nextafter(-ZERO, -np.inf))
