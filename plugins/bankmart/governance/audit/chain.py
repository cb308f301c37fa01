"""Adding to the audit chain: one entry, in the transaction of what it records."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SM3, Hash

from bankmart import db, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection

START = "0" * 64
# In the place of what was said, a fact has this with its hash.
SAID = "said"


@dataclass(frozen=True)
class Said:
    """What a person typed freely, as a fact of an entry: it may name anybody, and the chain is kept for ever.

    The words stand beside the chain (audit.said), where an erasure can blacken them; the chain has their salted hash.
    """

    words: str


def append(link: connection, kind: str, actor: str, subject: str, facts: Mapping[str, Any] | None = None) -> int:
    """Add an entry in `link`'s transaction and return its number: what it records is kept with it, or neither is.

    `kind` is one word (publish, promote …), `actor` who did it, `subject` to what, `facts` the rest: no personal data,
    for the chain is kept for ever, so what somebody typed freely is handed over as `Said`. Append last: until the
    transaction ends, whoever else appends waits. Two calls of the server, one more for each `Said`. Roles: platform,
    loader, scorer, vault.
    Raises psycopg2.errors.SerializationFailure where the transaction's snapshot is older than the newest entry.
    """
    stated = _typed(actor, facts or {})
    said = {name: (secrets.token_hex(16), _storable(each.words)) for name, each in stated.items()
            if isinstance(each, Said)}  # fmt: skip
    told = canonical({**stated, **{name: {SAID: said_hash(*each)} for name, each in said.items()}})
    actor, subject = _storable(actor), _storable(subject)
    with link.cursor() as cursor:
        cursor.execute("select number, hash, moment, role_name from audit.head()")
        number, previous, moment, role = db.one(cursor)
        digest = _hash(number + 1, moment, role, kind, actor, subject, told, previous)
        cursor.execute(
            "select audit.add(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (number + 1, moment, role, kind, actor, subject, told, previous, digest),
        )
        for name, (salt, words) in said.items():
            cursor.execute("select audit.say(%s, %s, %s, %s)", (number + 1, name, salt, words))
    return int(number) + 1


def append_once(
    link: connection, kind: str, actor: str, subject: str, facts: Mapping[str, Any] | None = None
) -> int | None:
    """As `append`, but where the chain has an entry of this kind, subject and these facts: then nothing, and None.

    For what is done outside the database, and may have been done before. Roles: platform, scorer.
    """
    with link.cursor() as cursor:
        # Whoever else says the same waits here.
        cursor.execute("select number from audit.head()")
        cursor.execute(
            "select 1 from audit.entry where kind = %s and subject = %s and facts - 'typed_by' = %s::jsonb",
            (kind, _storable(subject), canonical(facts or {})),
        )
        if cursor.fetchone():
            return None
    return append(link, kind, actor, subject, facts)


def _typed(actor: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    # Who acts is what somebody said (`--by`); who typed it is what the machine knows.
    who = settings.TYPED_BY.get()
    return facts if who in (None, actor) else {"typed_by": who, **facts}


def attempt(role: str, kind: str, actor: str, subject: str, facts: Mapping[str, Any] | None = None) -> int:
    """Say, in a transaction of its own, that an act is begun: the chain has it, though it be killed and leave nothing.

    As `append`, of kind `<kind>_begun`; the act's own entry follows with what it did, or doesn't.
    """
    with db.connect(role) as link:
        return append(link, f"{kind}_begun", actor, subject, facts)


def entry_hash(
    number: int, moment: datetime, role: str, kind: str, actor: str, subject: str, facts: Any, previous: str
) -> str:
    """The SM3 hash (GB/T 32905) of an entry's canonical text, in hexadecimal digits."""
    return _hash(number, moment, role, kind, actor, subject, canonical(facts), previous)


def _hash(
    number: int, moment: datetime, role: str, kind: str, actor: str, subject: str, told: str, previous: str
) -> str:
    # `told`: the facts' own canonical text, so that it is made once.
    stated = moment.astimezone(UTC).isoformat(timespec="microseconds")
    before, after = canonical([number, stated, role, kind, actor, subject]), canonical([previous])
    digest = Hash(SM3())
    digest.update(f"{before[:-1]},{told},{after[1:]}".encode("ascii"))
    return digest.finalize().hex()


def said_hash(salt: str, words: str) -> str:
    """The SM3 hash of what was said: without the salt, short words could be guessed from it."""
    digest = Hash(SM3())
    digest.update(canonical([salt, words]).encode("ascii"))
    return digest.finalize().hex()


def canonical(value: Any) -> str:
    """The one text of a value: JSON in ASCII, names sorted, no spaces; what JSON doesn't know is said as text.

    No fraction is kept as a number: it would not come back from everywhere as it was.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Said):
        raise TypeError("what somebody said is a fact of its own, of an entry that is appended: never within another")
    if isinstance(value, dict):
        return {_storable(str(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return _storable(str(value))


def _storable(text: str) -> str:
    # Postgres keeps neither NUL nor half a character.
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")
