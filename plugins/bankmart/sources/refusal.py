"""Why a delivery was not loaded, said so that it can be acted on, and without showing a person's data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bankmart.errors import BankmartError

SENSITIVE = ("identity.", "contact.", "account.", "staff.", "behaviour.free_text")
SHOWN = 60
RAW_LIMIT = 10_000


class LoadRefused(BankmartError):
    """A delivery that may not be loaded: nothing of its system and business date was changed."""

    def __init__(self, where: str, rule: str, what: str, remedy: str) -> None:
        """`where` names file (and line, column), `rule` is one word, `what` and `remedy` are sentences."""
        self.rule = rule
        super().__init__(
            f"{where}: {what} [{rule}]\n"
            "  It means: nothing of this system and date was loaded; what was loaded before is unchanged.\n"
            f"  What to do: {remedy}"
        )


@dataclass(frozen=True)
class Reject:
    """One record that broke the contract. `line` is where it starts in the file, counted from 1."""

    line: int
    column: str | None
    rule: str
    reason: str
    raw: str


def mask(value: str) -> str:
    """The first and the last character only: `6222...` → `6***5`; nothing of a value of one or two."""
    return f"{value[0]}***{value[-1]}" if len(value) > 2 else "***"


def shown(value: str, data_class: str) -> str:
    """A value as a message may show it: masked where its class is a person's, cut where it is long."""
    if data_class.startswith(SENSITIVE):
        return mask(value)
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")


def storable(raw: str) -> str:
    """A raw record as Postgres can keep it: NUL and undecodable bytes written out, cut at RAW_LIMIT."""
    cut = raw if len(raw) <= RAW_LIMIT else f"{raw[:RAW_LIMIT]}… [cut: {len(raw)} characters in the file]"
    plain = cut.replace("\0", "\\0")
    return re.sub("[\ud800-\udfff]", lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", plain)
