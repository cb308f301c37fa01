"""What people said beside the chain, compared with what the chain says of it: changed by an erasure, or by anybody?"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from bankmart.governance.audit.chain import SAID, said_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

# The entry that says which words were changed by an erasure: their new hashes, by entry and name. Only of who erases.
BLACKENED, WORDS, ERASER = "words_blackened", "words", "eraser"
# The facts of an entry with what was said in them, as far as no erasure has blackened it.
TOLD = "facts || coalesce((select jsonb_object_agg(name, words) from audit.said where said.entry = entry.number), '{}')"


def change(cursor: Any, entry: int, name: str, words: str) -> str:
    """Put other words in the place of an entry's, under a new salt; their hash, for an entry of kind BLACKENED.

    By the old salt the old words could be guessed from what is left and from the chain, which keeps their hash.
    """
    salt = secrets.token_hex(16)
    cursor.execute("select audit.blacken(%s, %s, %s, %s)", (entry, name, salt, words))
    return said_hash(salt, words)


class Stated:
    """The hashes that the chain says, the newest of each: what stands beside it has these, or was changed."""

    def __init__(self) -> None:
        self._hashes: dict[tuple[int, str], str] = {}
        self._erasures: set[str] = set()

    def read(self, number: int, role: str, kind: str, subject: str, facts: Mapping[str, Any]) -> None:
        """Take notice of an entry; all of them, one after the other."""
        for name, fact in facts.items():
            if isinstance(fact, dict) and fact.keys() == {SAID}:
                self._hashes[number, name] = fact[SAID]
        if role != ERASER:
            return
        if kind == "erasure":
            self._erasures.add(subject)
        elif kind == BLACKENED and subject in self._erasures:
            for entry, changed in facts[WORDS].items():
                self._hashes |= {(int(entry), name): digest for name, digest in changed.items()}

    def findings(self, cursor: Any) -> list[str]:
        """What doesn't have its hash, is gone, or was never said, in sentences; nothing of the words."""
        left, found = dict(self._hashes), []
        cursor.execute("select entry, name, salt, words from audit.said order by 1, 2")
        for entry, name, salt, words in cursor:
            stated = left.pop((entry, name), None)
            if stated is None:
                found.append(f"what stands as {name} of entry {entry} was not said with it: slipped in")
            elif stated != said_hash(salt, words):
                found.append(f"what was said as {name} of entry {entry} is not what it was: changed by no erasure")
        return found + [f"what was said as {name} of entry {entry} is gone" for entry, name in sorted(left)]
