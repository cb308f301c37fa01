"""Families of indicators as the YAML of the ind_ models declares them: their columns, types and places in the files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankmart import settings
from bankmart.governance.policy import Node, line_of, models, yaml_of

SUBJECTS = {
    "asset": "资产",
    "flow": "资金流",
    "transaction": "交易",
    "card": "刷卡",
    "app": "手机银行",
    "wealth": "财富",
    "loan": "贷款",
    "holding": "持有",
    "service": "服务",
    "campaign": "营销",
}
# The model that has all indicators; the others are views of it, by subject.
ALL = "ind_all"
# Read in the rows of one fact (macros/indicators/indicator.sql), made of other indicators (derived.sql beside it), or
# written out in the SQL of a level_ model.
EXPANDED = ("sum", "count", "recency")
DERIVED = (
    "average", "change", "ratio", "share", "trend", "difference", "regularity", "variation", "entropy", "diversity",
    "concentration",
)  # fmt: skip
WRITTEN = ("level",)
# 'ind_card': 'card.card_transaction'
SUBJECT = re.compile(r"'(ind_\w+)': '([\w.]+)'")


@dataclass(frozen=True)
class Family:
    """One entry of config.meta.families, and where it stands."""

    says: Mapping[str, Any]
    model: str
    file: str
    line: int

    @property
    def where(self) -> str:
        """FILE:LINE: family NAME."""
        return f"{self.file}:{self.line}: family {self.says.get('name', '?')}"

    @property
    def columns(self) -> list[str]:
        """The names of its columns; none where it doesn't say enough."""
        complete = self.says.get("name") and self.says.get("aggregate") and isinstance(self.says.get("windows"), list)
        return indicator_names(self.says) if complete else []


def home_of(model: str) -> str:
    """The model that keeps a subject's columns, as the macro `home_of` says it."""
    return "level_holding" if model == "ind_holding" else ALL


def delivered_by(manifest: Node) -> dict[str, str]:
    """Counted model → the source table that has to deliver for it, as the macro `moved_subjects` says it."""
    return dict(
        SUBJECT.findall(manifest.get("macros", {}).get("macro.bankmart.moved_subjects", {}).get("macro_sql", ""))
    )


def families(manifest: Node) -> list[Family]:
    """The families of all models, by model."""
    found = []
    for node in models(manifest):
        seen: dict[str, int] = {}
        for says in node["config"]["meta"].get("families") or ():
            name = str(says.get("name"))
            seen[name] = seen.get(name, 0) + 1
            file = yaml_of(node)
            found.append(Family(says, node["name"], file, line_of(settings.ROOT / file, name, seen[name])))
    return found


def indicator_names(family: Mapping[str, Any]) -> list[str]:
    """The columns of a family, as the macro `family_column` names them."""
    if family["aggregate"] == "recency" or not family["windows"]:
        return [family["name"]]
    return [f"{family['name']}_{window}d" for window in family["windows"]]


def indicator_type(family: Mapping[str, Any]) -> str:
    """The type of a family's columns, as the macros cast them."""
    whole = family["aggregate"] in ("count", "recency")
    whole |= family["aggregate"] == "level" and family["unit"] in ("pieces", "days")
    return "integer" if whole else "double precision"


def inputs(family: Mapping[str, Any]) -> list[str]:
    """The families that a derived one is made of."""
    listed = [name for key in ("numerator", "denominator", "over") for name in family.get(key) or ()]
    return list(dict.fromkeys([*listed, *(family[key] for key in ("of", "net", "moment") if family.get(key))]))


def windows_read(family: Mapping[str, Any], window: int | None) -> Sequence[int | None]:
    """The windows of its inputs that a derived indicator of this window is made of."""
    if window is not None and family["aggregate"] in ("trend", "difference"):
        return (window, 2 * window)
    if window is not None and family["aggregate"] in ("regularity", "variation"):
        return (window // 3, 2 * window // 3, window)
    return (window,)
