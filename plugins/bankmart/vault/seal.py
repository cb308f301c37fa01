"""SM4-GCM (GB/T 32907): what is sealed says whose and where it is, and opens as nothing else."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag as InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

NONCE, TAG = 12, 16
KEY = 16


def new_key() -> bytes:
    """A random key of 128 bits."""
    return os.urandom(KEY)


def seal(key: bytes, text: bytes, place: str) -> bytes:
    """A random nonce of 96 bits, the ciphertext and its tag; `place` is bound to it, not held in it."""
    nonce = os.urandom(NONCE)
    encryptor = Cipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(place.encode())
    return nonce + encryptor.update(text) + encryptor.finalize() + encryptor.tag


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """What was sealed. Raises InvalidTag for another key or place, and where a bit of it was changed."""
    if len(sealed) < NONCE + TAG:
        raise InvalidTag
    decryptor = Cipher(SM4(key), GCM(sealed[:NONCE], sealed[-TAG:])).decryptor()
    decryptor.authenticate_additional_data(place.encode())
    return decryptor.update(sealed[NONCE:-TAG]) + decryptor.finalize()


def wrap(master: bytes, key: bytes, whose: str) -> bytes:
    """A key sealed under a master key."""
    return seal(master, key, f"key\x1f{whose}")


def unwrap(master: bytes, wrapped: bytes, whose: str) -> bytes:
    """The key. Raises InvalidTag as `unseal` does."""
    return unseal(master, wrapped, f"key\x1f{whose}")
