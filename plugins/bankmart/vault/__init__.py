"""Clear values of identifiers: sealed under a key per customer, elsewhere they are tokens (docs/decisions/0020)."""

from bankmart import db
from bankmart.vault.keys import VaultError as VaultError
from bankmart.vault.keys import unlock
from bankmart.vault.store import clear as clear
from bankmart.vault.store import destroy as destroy
from bankmart.vault.tokenise import Tokens


def token(kind: str, value: str) -> str:
    """The token of a value; `kind` is its data class. Raises VaultError where the vault can't be unlocked."""
    return tokens(kind, [value])[0] or ""


def tokens(kind: str, values: list[str | None]) -> list[str | None]:
    """The tokens of values of one kind; null stays null."""
    with db.connect("vault") as link, link.cursor() as cursor:
        return Tokens(unlock(cursor).token_key, kind).of(values)
