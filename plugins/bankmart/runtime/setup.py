"""Make the checkout's environment: `.bankmart/venv` with exactly what requirements.txt pins.

Run by the machine's own Python 3.11 with the standard library only; it writes under `.bankmart` only.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STATE = ROOT / ".bankmart"
VENV = STATE / "venv"
STAMP = VENV / "bankmart.made"
REQUIREMENTS = ROOT / "requirements.txt"
# pip's settings and the variables by which uv is told the same; pip separates several by white space.
UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
}
WRAPPER = """#!/bin/sh
here=$(dirname -- "$0")
exec "$here/python" -m bankmart "$@"
"""
STARTED = time.monotonic()


class SetupError(Exception):
    """The environment could not be made: says why and what to do."""


def main() -> int:
    """Make the environment, or return at once where it is made already."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            make()
        except SetupError as error:
            print(f"setup: {error}", file=sys.stderr)
            return 1
    return 0


def make() -> None:
    """Make `.bankmart/venv` unless its stamp says that it is made of these very requirements.

    Raises SetupError where a prerequisite is missing or the installation fails.
    """
    wanted = fingerprint()
    # Where the interpreter was removed, the link to it leads nowhere.
    made = STAMP.read_text() if STAMP.exists() and (VENV / "bin" / "python").exists() else ""
    if made == wanted:
        return
    check_prerequisites()
    if made.split()[:1] == wanted.split()[:1]:
        # A whole environment of other requirements: change it in place; if that is cut short, start afresh.
        STAMP.unlink()
        tell("the requirements have changed: bringing the environment up to date")
    else:
        shutil.rmtree(VENV, ignore_errors=True)
        make_venv()
    install()
    finish()
    STAMP.write_text(wanted)
    tell("the environment is ready")


def fingerprint() -> str:
    """What the environment is made of: its place, then the requirements.

    Not the interpreter that runs this: whoever has several must not have the environment made anew by each.
    """
    parts = (str(VENV).encode(), REQUIREMENTS.read_bytes() + WRAPPER.encode())
    return " ".join(hashlib.sha256(part).hexdigest() for part in parts)


def check_prerequisites() -> None:
    """Raise SetupError with the one command that gets what is missing."""
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            f"Python 3.11 is needed, this is {sys.version.split()[0]}. Get it by"
            " `sudo apt-get install -y python3.11 python3.11-venv`, or name one:"
            " `make setup PYTHON=/path/to/python3.11`."
        )
    if not has("ensurepip") and not has("pip"):
        raise SetupError("Python has neither venv nor pip. Get one by `sudo apt-get install -y python3.11-venv`.")
    if shutil.which("git") is None:
        raise SetupError("git is missing. Get it by `sudo apt-get install -y git`.")


def make_venv() -> None:
    """Make the empty environment and put uv into it, by venv, or by pip alone where venv is not whole."""
    uv = pinned("uv")
    if has("ensurepip"):
        tell(f"making the environment with Python {sys.version.split()[0]}")
        run([sys.executable, "-m", "venv", str(VENV)])
        run([str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", uv], pip_environment())
        return
    tell(f"making the environment with Python {sys.version.split()[0]} and pip (there is no ensurepip)")
    private = STATE / "cache" / "uv-bootstrap"
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(private), uv],
        pip_environment(),
    )
    run(
        [str(private / "bin" / "uv"), "venv", "--quiet", "--python", sys.executable, str(VENV)],
        uv_environment(),
    )
    shutil.copy2(private / "bin" / "uv", VENV / "bin" / "uv")


def install() -> None:
    """Install the requirements by uv, or by pip where uv cannot use this machine's package index."""
    count = sum("==" in line for line in REQUIREMENTS.read_text().splitlines())
    tell(f"installing {count} packages (a few minutes on a slow line)")
    # uv replaces itself here: run a copy.
    private = STATE / "cache" / "uv"
    private.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(VENV / "bin" / "uv", private)
    command = [str(private), "pip", "sync", "--compile-bytecode", "--python", str(VENV / "bin" / "python")]
    try:
        run([*command, str(REQUIREMENTS)], uv_environment())
    except SetupError as error:
        tell(f"uv could not do it, trying pip. {error}")
        pip = [sys.executable, "-m", "pip", "--python", str(VENV / "bin" / "python")]
        if (VENV / "bin" / "pip").exists():
            pip = [str(VENV / "bin" / "python"), "-m", "pip"]
        run([*pip, "install", "--no-deps", "-r", str(REQUIREMENTS)], pip_environment())


def finish() -> None:
    """Put the library and the checkout on the environment's path, and the command `bankmart` into it."""
    (site,) = (VENV / "lib").glob("python3.11/site-packages")
    (site / "bankmart.pth").write_text(f"{ROOT / 'plugins'}\n{ROOT}\n")
    command = VENV / "bin" / "bankmart"
    command.write_text(WRAPPER)
    command.chmod(0o755)


def pip_environment() -> dict[str, str]:
    """The environment for pip: as it is, but with caches in the state folder and byte code written."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    cache = STATE / "cache"
    return {
        **keep,
        "PIP_CACHE_DIR": str(cache / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_CACHE_DIR": str(cache / "uv-packages"),
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(Path.home() / ".config")),
        "XDG_DATA_HOME": str(cache),
    }


def uv_environment() -> dict[str, str]:
    """The environment for uv: pip's own index settings, told by uv's variables (those already set win)."""
    told = pip_environment()
    for name, value in pip_settings().items():
        if name in UV_NAMES:
            variable, separator = UV_NAMES[name]
            told.setdefault(variable, separator.join(value.split()))
    # As pip does: the best version of all indexes, not of the first that knows the name.
    told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    told.update(UV_PYTHON_DOWNLOADS="never", VIRTUAL_ENV=str(VENV))
    return told


def pip_settings() -> dict[str, str]:
    """What pip is configured with on this machine, by files and variables."""
    python = next((at for at in (VENV / "bin" / "python", Path(sys.executable)) if has_pip(at)), None)
    if python is None:
        return {}
    command = [str(python), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, env=pip_environment()).stdout
    found: dict[str, str] = {}
    # As pip does: variables win over what is meant for `pip install`, that over what is meant for all.
    for section in ("global", "install", ":env:"):
        for name, value in re.findall(rf"^{section}\.([a-z-]+)=(.+)$", listed, re.MULTILINE):
            found[name] = str(ast.literal_eval(value))
    return found


def has_pip(python: Path) -> bool:
    """Whether this interpreter has pip."""
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False).returncode == 0


def pinned(package: str) -> str:
    """The requirement of one package as requirements.txt pins it."""
    for line in REQUIREMENTS.read_text().splitlines():
        if line.startswith(f"{package}=="):
            return line.strip()
    raise SetupError(f"requirements.txt does not pin {package}")


def has(module: str) -> bool:
    """Whether this interpreter has a module."""
    return importlib.util.find_spec(module) is not None


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command, showing what it says; raises SetupError where it fails."""
    process = subprocess.Popen(
        command,
        env=environment or pip_environment(),
        cwd=STATE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in process.stdout or ():
        # uv's list of all that it has installed.
        if not line.startswith((" + ", " - ", " ~ ")):
            print(f"          {line}", end="", flush=True)
    if process.wait() != 0:
        name = " ".join([Path(command[0]).name, *command[1:4]])
        raise SetupError(f"`{name} …` ended with {process.returncode}; its own words are above")


def tell(text: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
