"""The environment: everything pinned, nothing in conflict, made once, made again after a cut-off."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bankmart.runtime import setup

SCRIPT = Path(setup.__file__)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout, in a folder with a space in its name, that needs two packages only."""
    root = tmp_path / "a checkout"
    (root / "plugins" / "bankmart").mkdir(parents=True)
    (root / "plugins" / "bankmart" / "__main__.py").write_text("import sys; print('ran', *sys.argv[1:])")
    uv = setup.pinned("uv")
    (root / "requirements.txt").write_text(f"{uv}\niniconfig==2.3.1\n")
    state = root / ".bankmart"
    state.mkdir()
    for name, value in {
        "ROOT": root,
        "STATE": state,
        "VENV": state / "venv",
        "STAMP": state / "venv" / "bankmart.made",
        "REQUIREMENTS": root / "requirements.txt",
    }.items():
        monkeypatch.setattr(setup, name, value)
    return root


def modules(root):
    python = root / ".bankmart" / "venv" / "bin" / "python"
    code = "import importlib.util as u; print(*[n for n in ('iniconfig', 'pip', 'bankmart') if u.find_spec(n)])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_it_is_made_from_nothing_then_left_alone_then_follows_the_requirements(checkout, capfd):
    setup.make()
    assert {"iniconfig", "bankmart"} <= set(modules(checkout))
    command = [checkout / ".bankmart" / "venv" / "bin" / "bankmart", "status", "a b"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "ran status a b\n"
    assert "the environment is ready" in capfd.readouterr().out
    setup.make()
    assert capfd.readouterr().out == ""

    setup.REQUIREMENTS.write_text(f"{setup.pinned('uv')}\n")
    setup.make()
    assert "iniconfig" not in modules(checkout)

    with setup.REQUIREMENTS.open("a") as file:
        file.write("iniconfig==999\n")
    with pytest.raises(setup.SetupError, match="pip"):
        setup.make()
    assert not setup.STAMP.exists()


def test_without_ensurepip_pip_does_it_and_what_was_cut_off_is_made_again(checkout, monkeypatch):
    # The environment of the tests has no pip of its own: take the interpreter that it was made with.
    monkeypatch.setattr(sys, "executable", str(python_with_pip()))
    monkeypatch.setattr(setup, "has", lambda name: name == "pip")
    setup.make()
    assert {"iniconfig", "bankmart"} <= set(modules(checkout))
    setup.STAMP.unlink()
    shutil.rmtree(next((setup.VENV / "lib").glob("python3.11/site-packages/iniconfig")))
    setup.make()
    assert "iniconfig" in modules(checkout)


def test_a_missing_prerequisite_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.SetupError, match="apt-get install -y git"):
        setup.check_prerequisites()
    monkeypatch.setattr(setup, "has", lambda name: False)
    with pytest.raises(setup.SetupError, match=r"apt-get install -y python3\.11-venv"):
        setup.check_prerequisites()
    monkeypatch.setattr(setup.sys, "version_info", (3, 12, 1))
    with pytest.raises(setup.SetupError, match=r"Python 3\.11 is needed(.|\n)*PYTHON="):
        setup.check_prerequisites()


def test_uv_gets_the_index_that_pip_is_configured_with(checkout, monkeypatch):
    for name in [name for name in setup.os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    config = checkout / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://index.bank.example/simple\n"
        "extra-index-url = https://one.example/simple\n    https://two.example/simple\n"
        "find-links = /wheels /more\ntrusted-host = index.bank.example\n[install]\ncert = /etc/bank.pem\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("UV_INSECURE_HOST", "chosen.example")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr(sys, "executable", str(python_with_pip()))
    told = setup.uv_environment()
    assert told["UV_DEFAULT_INDEX"] == "https://index.bank.example/simple"
    assert told["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert told["UV_FIND_LINKS"] == "/wheels,/more"
    assert told["SSL_CERT_FILE"] == "/etc/bank.pem"
    assert told["UV_INSECURE_HOST"] == "chosen.example"


def test_nothing_is_cached_outside_the_checkout(checkout, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    told = setup.uv_environment()
    for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME"):
        assert Path(told[name]).is_relative_to(checkout / ".bankmart")
    assert "PYTHONDONTWRITEBYTECODE" not in told


def test_every_requirement_is_pinned_and_nothing_conflicts():
    root = SCRIPT.parents[3]
    lines = [line for line in (root / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[a-z0-9.]+", line)] == []
    assert len(lines) == len({line.partition("==")[0] for line in lines})
    command = [Path(sys.executable).with_name("uv"), "pip", "check", "--no-cache", "--python", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_script_needs_nothing_but_the_standard_library():
    done = subprocess.run(
        [python_with_pip(), "-I", "-S", "-c", f"import runpy; runpy.run_path({str(SCRIPT)!r})"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def python_with_pip():
    """The interpreter that this environment was made with, if it has pip."""
    base = Path(sys.base_prefix) / "bin" / "python3.11"
    if not setup.has_pip(base):
        pytest.skip("the machine's Python has no pip")
    return base
