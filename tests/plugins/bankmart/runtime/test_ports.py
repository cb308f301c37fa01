"""Ports: the usual ones, others where those are taken, and the same ones next time."""

import json
import socket
import subprocess
import sys

import pytest

from bankmart import settings
from bankmart.runtime import ports


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_kept(tmp_path):
    wanted = ports.free_port()
    (tmp_path / "ports.json").write_text(json.dumps({"mlflow": wanted}))
    assert ports.choose(["mlflow"]) == {"mlflow": wanted}
    assert settings.ports() == {"mlflow": wanted}


def test_the_usual_port_is_preferred(monkeypatch):
    usual = ports.free_port()
    monkeypatch.setitem(ports.USUAL, "airflow", usual)
    assert ports.choose(["airflow"]) == {"airflow": usual}


def test_a_taken_port_is_replaced_and_the_choice_is_kept(taken, monkeypatch):
    monkeypatch.setitem(ports.USUAL, "postgres", taken)
    first = ports.choose(["postgres"])
    assert first["postgres"] != taken
    assert ports.choose(["postgres"]) == first


def test_a_kept_port_that_somebody_took_meanwhile_is_replaced(taken, tmp_path):
    other = ports.free_port()
    (tmp_path / "ports.json").write_text(json.dumps({"mlflow": taken, "airflow": other}))
    chosen = ports.choose(["mlflow"])
    assert chosen["mlflow"] not in (taken, other)
    assert chosen["airflow"] == other


def test_two_servers_never_share_a_port(monkeypatch):
    usual = ports.free_port()
    for name in ports.USUAL:
        monkeypatch.setitem(ports.USUAL, name, usual)
    assert len(set(ports.choose(ports.USUAL).values())) == len(ports.USUAL)


def test_a_listener_on_all_interfaces_counts():
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert not ports.is_free(listener.getsockname()[1])


CHOOSES = """
import sys
from bankmart.runtime import ports
ports.USUAL["airflow"] = int(sys.argv[1])
print(ports.choose(["airflow"])["airflow"], flush=True)
sys.stdin.read()
"""


def test_two_that_start_at_once_have_ports_of_their_own(monkeypatch, tmp_path):
    """Their servers listen later: who chooses second finds nobody on the port, and takes another all the same."""
    usual = ports.free_port()
    monkeypatch.setenv("PYTHONPATH", str(settings.ROOT / "plugins"))
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path / "other"))
    words = [sys.executable, "-c", CHOOSES, str(usual)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert int(other.stdout.readline()) == usual
        monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))
        monkeypatch.setitem(ports.USUAL, "airflow", usual)
        assert ports.is_free(usual)
        assert ports.choose(["airflow"])["airflow"] != usual
        other.communicate("")
    (tmp_path / "ports.json").unlink()
    assert ports.choose(["airflow"]) == {"airflow": usual}, "who has ended holds nothing"
