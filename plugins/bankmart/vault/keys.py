"""The master keys that were given, what is derived from them, and the vault's lock: which of them opens it."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from bankmart import db, settings
from bankmart.errors import BankmartError
from bankmart.vault import seal

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

SECRET = "master_key"
_FROM_OUTSIDE = f"BANKMART_SECRET_{SECRET.upper()}"
SHORTEST = 43  # 32 bytes in base64
# Whoever wraps data keys holds it shared, whoever changes the current master alone.
LOCK = "select {}(hashtextextended('bankmart vault master', 0))"
SHARED, ALONE = LOCK.format("pg_advisory_xact_lock_shared"), LOCK.format("pg_advisory_xact_lock")
MEANS = "\n  It means: nothing was read from the vault or written to it; what is sealed stays as it is.\n  What to do: "
PAGE = "See docs/how-to/keep-the-keys.md."


class VaultError(BankmartError):
    """The vault can't be opened, or may not be: says why, what it means and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        """`what` happened, and the remedy: sentences that hold no key and no clear value."""
        super().__init__(f"the vault: {what}.{MEANS}{remedy}")


@dataclass(frozen=True)
class Master:
    """A master key: its public name, the key that wraps data keys, and what token keys come from."""

    name: str
    wrapping: bytes = field(repr=False)
    token_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """An unlocked vault: the master that wraps, all that were given, by name, and the key of tokens."""

    current: Master
    masters: dict[str, Master]
    token_key: bytes = field(repr=False)

    def master(self, name: str) -> Master:
        """The master of that name. Raises VaultError where it was not given."""
        if name not in self.masters:
            raise VaultError(
                f"something in it is sealed under master key {name}, which was not given",
                f"give that key behind the newest, with a comma between. {PAGE}",
            )
        return self.masters[name]


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose: HMAC-SM3 of its name under the secret (the expanding step of HKDF, RFC 5869)."""
    mac = HMAC(secret.encode(), SM3())
    mac.update(f"bankmart vault {purpose}".encode() + b"\x01")
    return mac.finalize()


def master(secret: str) -> Master:
    """What is derived from a master key's text."""
    return Master(derive(secret, "name").hex()[:12], derive(secret, "wrapping")[:16], derive(secret, "tokens"))


def given() -> list[Master]:
    """The master keys that were given, newest first; none where there is none.

    BANKMART_MASTER_KEY, else what the command BANKMART_MASTER_KEY_COMMAND prints, else the secret `master_key`. Several
    are separated by commas. Raises VaultError for one that is too short to be a key.
    """
    text = os.environ.get("BANKMART_MASTER_KEY") or _printed() or settings.given_secret(SECRET) or ""
    secrets = [part.strip() for part in text.split(",")] if text.strip() else []
    for place, secret in enumerate(secrets, 1):
        if len(secret) < SHORTEST:
            raise VaultError(
                f"master key {place} of {len(secrets)} has {len(secret)} characters, and needs {SHORTEST} or more",
                f"give the whole key: 32 random bytes in base64 or more. {PAGE}",
            )
    return [master(secret) for secret in secrets]


def unlock(cursor: Cursor) -> Keys:
    """The keys of the vault behind `cursor` (of role vault or loader), which is set up at its first use.

    Raises VaultError where no master key is given, or none of them is the one that the vault is locked with.
    """
    cursor.execute("select name, token_key from vault.master where is_current")
    row = cursor.fetchone()
    masters = given()
    if row is None:
        return _set_up(cursor, masters or [_first()])
    name, wrapped = row
    if not masters:
        raise VaultError(
            f"no master key is given, and it is locked with the one named {name}",
            "give it as BANKMART_MASTER_KEY, by BANKMART_MASTER_KEY_COMMAND or as the secret master_key; "
            f"a new one won't do. {PAGE}",
        )
    by_name = {each.name: each for each in masters}
    if name not in by_name:
        raise VaultError(
            f"the given master key is a wrong one: it is locked with {name}, and given was {', '.join(by_name)}",
            f"give the key it was locked with; to change keys, give both and run `bankmart vault rotate`. {PAGE}",
        )
    return Keys(by_name[name], by_name, _token_key(by_name[name], bytes(wrapped)))


def make_new() -> None:
    """Put a new key before the one that lies in the state folder. Raises VaultError where keys come from elsewhere."""
    if any(os.environ.get(name) for name in ("BANKMART_MASTER_KEY", "BANKMART_MASTER_KEY_COMMAND", _FROM_OUTSIDE)):
        raise VaultError(
            "its master key is given from outside, so a new one is made there, too",
            f"put the new key before the old one, with a comma between, and rotate without --new-key. {PAGE}",
        )
    if settings.given_secret(SECRET) is None:
        raise VaultError("there is no master key to follow yet", "load a file first: the first key is made then.")
    settings.add_secret(SECRET)


def lock_with(cursor: Cursor, new: Master, token_key: bytes) -> None:
    """Make `new` the master that wraps from now on; the token key stays what it was."""
    cursor.execute(ALONE)
    cursor.execute("update vault.master set is_current = false where is_current")
    # One that was in use before comes back.
    cursor.execute("delete from vault.master where name = %s", (new.name,))
    _insert(cursor, new, token_key)


def _set_up(cursor: Cursor, masters: list[Master]) -> Keys:
    cursor.execute(ALONE)
    cursor.execute("select count(*) from vault.master where is_current")
    if db.one(cursor) == (0,):
        _insert(cursor, masters[0], masters[0].token_key)
        return Keys(masters[0], {each.name: each for each in masters}, masters[0].token_key)
    # Somebody else has just done it.
    return unlock(cursor)


def _insert(cursor: Cursor, new: Master, token_key: bytes) -> None:
    cursor.execute(
        "insert into vault.master (name, is_current, token_key) values (%s, true, %s)",
        (new.name, seal.wrap(new.wrapping, token_key, f"token key {new.name}")),
    )


def _token_key(current: Master, wrapped: bytes) -> bytes:
    try:
        return seal.unwrap(current.wrapping, wrapped, f"token key {current.name}")
    except InvalidTag:
        raise VaultError(
            f"the key of tokens was altered: master key {current.name} does not open it",
            "restore vault.master from a backup: without it no new token would fit the old ones.",
        ) from None


def _first() -> Master:
    if not settings.is_embedded():
        raise VaultError(
            "no master key is given, and on a server none is made up: it would be gone with its container",
            f"give BANKMART_SECRET_MASTER_KEY (docker/new-env.sh makes one) or BANKMART_MASTER_KEY. {PAGE}",
        )
    return master(settings.secret(SECRET))


def _printed() -> str | None:
    command = os.environ.get("BANKMART_MASTER_KEY_COMMAND")
    if not command:
        return None
    try:
        done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True, timeout=60, text=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise VaultError(
            f"BANKMART_MASTER_KEY_COMMAND did not print the key ({type(error).__name__})",
            "run that command by hand as the same user, and mend what it says.",
        ) from None
    return done.stdout.strip() or None
