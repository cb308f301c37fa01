"""What somebody asks for with `bankmart new-tag`, checked before a file is written."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from bankmart.errors import BankmartError
from bankmart.governance.indicators.families import families
from bankmart.governance.policy import Node, models
from bankmart.governance.tags import ledger, registry
from bankmart.governance.tags.registry import KINDS, WORD

NO_SUBJECTS = ("indicators", "indicators_derived", "levels", "moves", "history")


class RequestError(BankmartError):
    """The tag can't be made as asked for: says what is wrong and what would be right."""


@dataclass(frozen=True)
class Request:
    """A tag to be made. `sources`: the optional source tables without which nobody is judged."""

    key: str
    subject: str
    kind: str
    expression: str
    zh: str
    en: str
    values: tuple[str, ...]
    default: str | None
    owner: str
    sources: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model of its own that it gets."""
        return f"tag_{self.key}"

    @property
    def judgement(self) -> str:
        """The expression, with the default where it gives nothing."""
        if self.default is None:
            return self.expression
        default = f"'{self.default}'" if self.data_type == "text" else self.default
        return f"coalesce({self.expression}, {default})"

    @property
    def data_type(self) -> str:
        """By its values: boolean, integer or text."""
        if set(self.values) == {"true", "false"}:
            return "boolean"
        return "integer" if all(value.lstrip("-").isdigit() for value in self.values) else "text"


def indicators(manifest: Node) -> dict[str, str]:
    """Indicator → the model that has it."""
    return {name: family.model for family in families(manifest) for name in family.columns}


def parse(expression: str) -> exp.Expr:
    """The tree of an expression. Raises RequestError where it is none, or reads more than columns."""
    try:
        tree = sqlglot.parse_one(expression, read="postgres")
    except SqlglotError as error:
        raise RequestError(f"--expression is no SQL expression: {str(error).splitlines()[0]}") from error
    if next(tree.find_all(exp.Query, exp.DDL, exp.DML, exp.Command), None) is not None:
        raise RequestError("--expression is one expression over indicators, without a query of its own")
    return tree


def check(request: Request, manifest: Node, known: ledger.Ledger) -> None:
    """Raises RequestError with everything that is wrong."""
    wrong = [*_wrong_key(request, manifest, known), *_wrong_words(request)]
    there = indicators(manifest)
    read = {column.name for column in parse(request.expression).find_all(exp.Column)}
    wrong += [f"there is no indicator {name}{_near(name, there)}" for name in sorted(read - set(there))]
    if not read:
        wrong.append("--expression reads no indicator")
    if wrong:
        raise RequestError("the tag is not made:\n" + "\n".join(f"  {line}" for line in wrong))


def _wrong_key(request: Request, manifest: Node, known: ledger.Ledger) -> list[str]:
    taken = {tag.key for tag in registry.tags(manifest)} | {tag.column for tag in registry.tags(manifest)}
    if not WORD.fullmatch(request.key) or registry.VERSIONED.fullmatch(request.key):
        return [f"key {request.key!r} is no name: lower case letters, digits and _, without a version at its end"]
    if request.key in taken or request.model in {node["name"] for node in models(manifest)}:
        return [f"key {request.key} is taken: `bankmart tags` lists them; change that one by a new version"]
    if request.key in indicators(manifest):
        return [f"key {request.key} is an indicator's name"]
    if retired := [entry for (key, _), entry in known.items() if key == request.key]:
        return [f"key {request.key} is {retired[-1].status} ({ledger.NAME}) and can't be used again; choose another"]
    return []


def _wrong_words(request: Request) -> list[str]:
    wrong = []
    if not WORD.fullmatch(request.subject) or request.subject in NO_SUBJECTS:
        wrong.append(f"subject {request.subject!r} can't be a folder of models/tags")
    if request.kind not in KINDS:
        wrong.append(f"kind {request.kind!r} is unknown; use one of {', '.join(KINDS)}")
    if len(request.values) < 2 or len(set(request.values)) != len(request.values):
        wrong.append("--values are two or more, each once: a,b,c")
    if request.default is not None and request.default not in request.values:
        wrong.append(f"default {request.default!r} is not among the values")
    wrong += [f"--{name} is empty" for name in ("zh", "en", "owner") if not getattr(request, name).strip()]
    return wrong


def _near(name: str, there: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, there, 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
