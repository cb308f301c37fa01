"""The supervisor with a real Postgres: what is killed comes back, what is stopped leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import psutil
import psycopg2
import pytest

from bankmart import db, settings
from bankmart.runtime import postgres, processes, provision, servers, supervisor
from bankmart.runtime.commands.down import down
from bankmart.runtime.commands.up import up

LEAKY = ("BANKMART_DATABASE_URL", "PGPASSFILE", "MLFLOW_TRACKING_URI")


def use(folder, patch):
    folder.mkdir(exist_ok=True)
    patch.setenv("BANKMART_STATE_DIR", str(folder))
    for name in LEAKY:
        patch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A state folder for this file: making a database takes seconds."""
    folder = tmp_path_factory.mktemp("supervised")
    yield folder
    with pytest.MonkeyPatch.context() as patch:
        use(folder, patch)
        down()
        postgres.remove(folder)


@pytest.fixture
def running(folder, monkeypatch):
    """Postgres up under its supervisor, with an empty table of notes."""
    use(folder, monkeypatch)
    up(["postgres"], 60)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("drop table if exists staging.note")
        cursor.execute("create table staging.note (text text)")
    servers.log_path(supervisor.NAME).write_text("")
    return folder


def until(is_so, seconds=30):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"it did not happen:\n{log()}"
        time.sleep(0.05)


def log():
    return servers.log_path(supervisor.NAME).read_text()


def kill(name):
    """Kill a recorded process as hard as it goes and wait until it is gone. Returns its record."""
    made = processes.find(name)
    os.kill(made.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(made))
    return made


def working_in(folder):
    """Process ids of a server by where they work, whatever the records say."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == folder:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def note(text=None):
    """Write a committed row, or read how many there are."""
    with db.connect("platform") as link, link.cursor() as cursor:
        if text:
            cursor.execute("insert into staging.note values (%s)", (text,))
        cursor.execute("select count(*) from staging.note")
        return cursor.fetchone()[0]


def answers():
    try:
        note()
    except psycopg2.OperationalError:
        return False
    return True


def test_up_twice_leaves_the_running_servers_alone(running):
    before = processes.find_all()
    up(["postgres"], 60)
    assert processes.find_all() == before
    assert {record.name for record in before} == {"supervisor", "postgres"}


def test_a_killed_postgres_comes_back_with_what_was_committed(running):
    note("kept")
    killed = kill("postgres")
    until(lambda: (now := processes.find("postgres")) and now.pid != killed.pid and answers())
    assert note() == 1
    assert "postgres was killed by signal 9; starting it again" in log()
    assert processes.find("postgres").restarts == 1


def test_up_after_a_killed_supervisor_stops_the_orphans_and_starts_afresh(running):
    note("kept")
    kill("supervisor")
    orphan = processes.find("postgres")
    assert processes.is_alive(orphan)
    up(["postgres"], 60)
    assert not processes.is_alive(orphan)
    assert note() == 1


def test_down_after_a_killed_supervisor_leaves_no_process(running):
    kill("supervisor")
    folder = processes.find("postgres").folder
    assert working_in(folder)
    down()
    assert working_in(folder) == []
    assert processes.find_all() == []


def test_down_leaves_no_process_and_up_finds_everything_again(running):
    note("kept")
    folder, port = processes.find("postgres").folder, settings.ports()["postgres"]
    down()
    assert working_in(folder) == []
    assert processes.find_all() == []
    assert "by force" not in log()
    up(["postgres"], 60)
    assert note() == 1
    assert settings.ports()["postgres"] == port


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_postgres(running):
    down()
    at = postgres.place(settings.state_dir())
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        (at.data / "postmaster.pid").write_text(f"{stranger.pid}\n{at.data}\n")
        up(["postgres"], 60)
        assert answers()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_there_is_one_supervisor_for_a_state_folder(running):
    command = [sys.executable, "-m", "bankmart.runtime.supervisor", "postgres"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == supervisor.ALREADY_RUNNING
    assert answers()


def test_no_secret_is_in_a_process_list_or_a_log(running):
    secrets = [settings.secret(name) for name in (*settings.ROLES, settings.EMBEDDED_ADMIN)]
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    lines += [path.read_text(errors="replace") for path in (running / "logs").rglob("*.log")]
    assert any("supervisor" in line for line in lines)
    assert [secret for secret in secrets for line in lines if secret in line] == []


def test_a_postgres_elsewhere_is_prepared_and_never_started(running, monkeypatch, tmp_path):
    at, password = settings.server(), settings.secret(settings.EMBEDDED_ADMIN)
    with monkeypatch.context() as patch:
        use(tmp_path / "other", patch)
        patch.setenv("BANKMART_DATABASE_URL", f"postgresql://{at.admin}:{password}@{at.host}:{at.port}/postgres")
        up(["postgres"], 60)
        assert [record.name for record in processes.find_all()] == ["supervisor"]
        assert answers()
        with closing(psycopg2.connect(settings.dsn("bi_reader"))) as link:
            assert link.info.port == at.port
        environment = psutil.Process(processes.find("supervisor").pid).cmdline()
        assert not any(password in part for part in environment)
        down()
    provision.write_passfile()


def test_what_cannot_be_started_is_said_with_the_reason(tmp_path, monkeypatch):
    use(tmp_path, monkeypatch)
    monkeypatch.setenv("BANKMART_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/postgres")
    with pytest.raises(Exception, match="could not be started(.|\n)*Connection refused"):
        up(["postgres"], 60)
    assert processes.find_all() == []
