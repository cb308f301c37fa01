"""The algorithms are the standards' own, and what is sealed opens nowhere else."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB, GCM
from cryptography.hazmat.primitives.hashes import SM3, Hash

from bankmart.vault import seal

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


def test_sm3_of_gb_t_32905():
    for text, digest in {
        b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
    }.items():
        made = Hash(SM3())
        made.update(text)
        assert made.finalize().hex() == digest


def test_sm4_of_gb_t_32907():
    encryptor = Cipher(SM4(KEY), ECB()).encryptor()
    assert encryptor.update(KEY).hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gcm_of_rfc_8998():
    encryptor = Cipher(SM4(KEY), GCM(bytes.fromhex("00001234567800000000abcd"))).encryptor()
    encryptor.authenticate_additional_data(bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    text = bytes.fromhex("aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8)
    assert (encryptor.update(text) + encryptor.finalize()).hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert encryptor.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"


def test_any_other_bit_key_or_place_opens_nothing():
    sealed = seal.seal(KEY, b"13800138000", "a row")
    assert seal.unseal(KEY, sealed, "a row") == b"13800138000"
    for place in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(InvalidTag):
            seal.unseal(KEY, bytes(altered), "a row")
    for key, text, place in ((bytes(16), sealed, "a row"), (KEY, sealed, "b row"), (KEY, sealed[:20], "a row")):
        with pytest.raises(InvalidTag):
            seal.unseal(key, text, place)


def test_no_nonce_comes_twice():
    sealed = [seal.seal(KEY, b"the same", "the same") for _ in range(2000)]
    assert len({each[: seal.NONCE] for each in sealed}) == len({each[seal.NONCE :] for each in sealed}) == 2000
