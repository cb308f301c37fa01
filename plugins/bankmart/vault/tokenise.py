"""Keyed tokens: equal where what is written means the same, and worthless to who hasn't the key.

A token wears its mask: it begins with what the mask of its class shows of the value anyway, always as many characters,
so that a masked view over tokens shows its beginning. Behind it stand 128 bits of HMAC-SM3.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from bankmart.governance.masking import FILLERS, data_classes

BYTES = 16  # 128 bits
# Of an identifier spaces and hyphens are how it was typed.
NUMBERS = ("identity.id_number", "contact.mobile", "account.card_number", "identity.customer_id")


def normalised(kind: str, value: str) -> str:
    """What a value means, however it was typed: full width as half width, capitals, no spaces around."""
    text = value if value.isascii() else unicodedata.normalize("NFKC", value)
    words = text.upper().split()
    return "".join(words).replace("-", "") if kind in NUMBERS else " ".join(words)


def is_nobodys(kind: str, text: str) -> bool:
    """Whether a normalised value is a filler such as 000000: it says nothing of anybody, and rules look for it."""
    return text[0] * len(text) == text and kind != "identity.name"


class Tokens:
    """Makes the tokens of one kind; `kind` is a data class, which separates its tokens from all others."""

    def __init__(self, token_key: bytes, kind: str) -> None:
        """Prepares the keyed hash: copying it took 1.4 µs a value, making one anew 3.2 µs."""
        self.kind = kind
        self._mac = HMAC(token_key, SM3())
        self._mac.update(kind.encode() + b"\x00")
        about = data_classes().get(kind, {})
        self._wear = MASKS[about["mask"]] if about.get("vault") else _plain
        self._filler = FILLERS.get(about["mask"], "") if about.get("vault") else ""

    def of(self, values: Iterable[str | None]) -> list[str | None]:
        """A token per value; null stays null, nothing but spaces is an empty text, a filler stays a filler."""
        kind, copy, wear = self.kind, self._mac.copy, self._wear
        found: list[str | None] = []
        for value in values:
            if value is None:
                found.append(None)
                continue
            # Nothing but plain letters and digits is as normal as it can be, and most are that.
            text = value.upper() if value.isascii() and value.isalnum() else normalised(kind, value)
            if not text or (text[0] == text[-1] and is_nobodys(kind, text)):
                found.append(text and (self._filler or text))
                continue
            mac = copy()
            mac.update(text.encode())
            found.append(wear(text, mac.finalize()[:BYTES].hex()))
        return found


def _plain(text: str, digest: str) -> str:
    return digest


def _ends(text: str, digest: str) -> str:
    return f"{text[:2]}***{text[-2:]}{digest}" if len(text) >= 8 else f"*******{digest}"


def _surname(text: str, digest: str) -> str:
    return f"{text[0]}**{digest}" if len(text) >= 2 else f"***{digest}"


# By the masks of bankmart.governance.masking: what they show of a value, its token begins with.
MASKS: dict[str, Callable[[str, str], str]] = {"hide": _plain, "ends": _ends, "surname": _surname}
