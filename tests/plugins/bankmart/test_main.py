"""The command line: light, clear about mistakes, and every command is really there."""

import importlib
import subprocess
import sys

import pytest

from bankmart import __main__ as command_line
from bankmart import settings
from bankmart.errors import BankmartError


def bankmart(*arguments):
    command = [sys.executable, "-m", "bankmart", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command(arguments):
    done = bankmart(*arguments)
    assert done.returncode == 0
    assert [name for name in command_line.COMMANDS if f"  {name} " not in done.stdout] == []


def test_help_imports_no_command():
    code = (
        "import sys; from bankmart.__main__ import main; main(['--help']);"
        "print([name for name in ('pandas', 'psycopg2', 'mlflow', 'airflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_refused_with_the_list():
    done = bankmart("upp")
    assert done.returncode == 2
    assert "no command `upp`" in done.stderr
    assert "status" in done.stderr


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_is_there(name):
    module = importlib.import_module(command_line.COMMANDS[name][0])
    assert callable(module.add_arguments)
    assert callable(module.run)


def test_an_error_for_people_is_one_message_without_a_traceback():
    done = bankmart("up", "postgress")
    assert done.returncode == 1
    assert done.stderr.startswith("bankmart up: no such part: postgress. The parts are postgres")
    assert "Traceback" not in done.stderr


def test_an_error_of_the_program_keeps_its_traceback(monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text("def add_arguments(parser): pass\ndef run(args): return 1 // 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    # It sets the process's environment, which outlives this test.
    monkeypatch.setattr(settings, "apply_environment", lambda: None)
    monkeypatch.setitem(command_line.COMMANDS, "broken", ("broken", ""))
    with pytest.raises(ZeroDivisionError):
        command_line.main(["broken"])


def test_a_reader_that_stops_reading_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m bankmart status | true", shell=True, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_our_errors_have_one_root():
    from bankmart.runtime.postgres import PostgresError
    from bankmart.sources.contract import ContractError

    assert issubclass(PostgresError, BankmartError)
    assert issubclass(ContractError, BankmartError)
