"""How many customers a second the vault protects, and how many the library's own calls alone would."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from bankmart.sources import contract
from bankmart.text import table
from bankmart.vault import keys, loading, seal

DAY = date(2026, 1, 31)
CHUNK = 20_000
ROUNDS = 3
PROCESSES = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers and --alone."""
    parser.add_argument("--customers", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--alone", action="store_true", help="in this process only; prints JSON")


def run(args: argparse.Namespace) -> int:
    """Measure in two processes at once, and print both sums. No database, no key of yours."""
    if args.alone:
        print(json.dumps(measure(args.customers)))
    else:
        print(text(args.customers))
    return 0


def text(customers: int) -> str:
    """What two processes protect at once, as a table."""
    command = [sys.executable, "-m", "bankmart", "vault", "bench", "--alone", "--customers", str(customers)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    found = [json.loads(process.communicate()[0]) for process in running]
    rows = [
        [name, *(round(sum(each[name][kind] for each in found)) for kind in ("wall", "processor"))] for name in found[0]
    ]
    shown = table([f"customers a second, {PROCESSES} processes", "by the clock", "by processor time"], rows)
    return (
        f"{shown}\nload {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; five identifiers and one record a customer"
    )


def measure(customers: int) -> dict[str, dict[str, float]]:
    """Customers a second by the clock and by processor time: the vault's, and of the library's calls alone."""
    texts = _texts(min(customers, CHUNK))
    chunks = max(1, customers // CHUNK)
    master = keys.master("x" * keys.SHORTEST)
    unlocked = keys.Keys(master, {master.name: master}, master.token_key)
    spec = contract.load()["core_banking"]["customer"]
    size = chunks * len(texts[0])

    def protect(are_new: bool) -> Callable[[], None]:
        sealer = _Offline(spec, DAY, unlocked)
        known = {} if are_new else {name: seal.new_key() for name in texts[0].to_pylist()}

        def work() -> None:
            for _ in range(chunks):
                sealer.known = dict(known)
                sealer.protect(texts)

        return work

    return {
        "tokens and sealing": _rate(protect(False), size),
        "the same, and a new data key each": _rate(protect(True), size),
        "the library: 5 HMAC-SM3, 1 SM4-GCM": _rate(lambda: _library(size, 1), size),
        "the library: 5 HMAC-SM3, 2 SM4-GCM": _rate(lambda: _library(size, 2), size),
    }


class _Offline(loading.Sealer):
    """Without a database: data keys are made as for new customers, or known."""

    known: dict[str, bytes]

    def _data_keys(self, customers: set[str]) -> dict[str, bytes]:
        for name in customers - self.known.keys():
            self.known[name] = seal.new_key()
            seal.wrap(self._keys.current.wrapping, self.known[name], name)
        return self.known


def _texts(count: int) -> list[pa.StringArray]:
    rng = np.random.default_rng(1)
    digits = rng.integers(10**9, 10**10, count)
    made: dict[str, Callable[[int, Any], str]] = {
        "customer_id": lambda place, _: f"C{place:07d}",
        "id_number": lambda _, number: f"11010119900{number % 10**7:07d}",
        "name": lambda _, number: f"{chr(0x4E00 + number % 9000)}{chr(0x4E00 + number % 7919)}",
        "mobile": lambda _, number: f"13{number % 10**9:09d}",
        "email": lambda _, number: f"a{number}@mail.example",
        "address": lambda _, number: f"北京市朝阳区某某路{number % 999}号院{number % 20}号楼{number % 700}",
    }
    columns = contract.load()["core_banking"]["customer"].columns
    return [pa.array([_value(made, each.name, *pair) for pair in enumerate(digits.tolist())]) for each in columns]


def _value(made: dict[str, Callable[[int, Any], str]], name: str, place: int, number: int) -> str:
    return made[name](place, number) if name in made else ""


def _library(count: int, seals: int) -> None:
    mac, key, text, place = HMAC(bytes(32), SM3()), SM4(bytes(16)), bytes(200), bytes(60)
    for _ in range(count):
        for _ in range(5):
            copy = mac.copy()
            copy.update(b"13800138000")
            copy.finalize()
        for _ in range(seals):
            encryptor = Cipher(key, GCM(os.urandom(12))).encryptor()
            encryptor.authenticate_additional_data(place)
            encryptor.update(text)
            encryptor.finalize()


def _rate(work: Callable[[], None], size: int) -> dict[str, float]:
    best = {"wall": 0.0, "processor": 0.0}
    for _ in range(ROUNDS):
        wall, busy = time.perf_counter(), time.process_time()
        work()
        best["wall"] = max(best["wall"], size / (time.perf_counter() - wall))
        best["processor"] = max(best["processor"], size / (time.process_time() - busy))
    return best
