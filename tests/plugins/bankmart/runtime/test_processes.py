"""Records of processes: ours are found and stopped with all their children, others are left alone."""

import subprocess
import time
from dataclasses import replace

import psutil
import pytest

from bankmart.runtime import processes


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))


@pytest.fixture
def start():
    started = []

    def popen(command, **options):
        process = subprocess.Popen(["sh", "-c", command], start_new_session=True, **options)
        started.append(process)
        return process

    yield popen
    for process in started:
        process.kill()
        process.wait()


def until(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_a_record_survives_and_is_stopped(start):
    process = start("exec sleep 60")
    made = processes.record("one", "airflow", process.pid, port=1, patience=5)
    assert processes.find("one") == made
    assert processes.is_alive(made)
    assert processes.memory(made) > 0
    processes.ask(made)
    assert processes.finish(made)
    assert process.wait() == -15
    assert processes.find("one") is None


def test_a_process_that_has_taken_over_the_id_is_left_alone(start):
    process = start("exec sleep 60")
    made = processes.record("one", "airflow", process.pid)
    stale = replace(made, born="another boot:1")
    assert not processes.is_alive(stale)
    assert processes.members(stale) == []
    processes.ask(stale)
    processes.finish(stale)
    assert process.poll() is None


def test_children_of_a_dead_leader_are_found_by_its_session(start, tmp_path):
    process = start("sleep 60 & echo $! > child; exit 0", cwd=tmp_path)
    made = processes.record("one", "airflow", process.pid)
    until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    process.wait()
    (child,) = processes.members(made)
    assert child.pid == int((tmp_path / "child").read_text())
    processes.finish(made)
    assert processes.birth(child.pid) is None


def test_one_that_does_not_listen_is_stopped_by_force(start, tmp_path):
    process = start("trap '' TERM; touch ready; while :; do sleep 0.05; done", cwd=tmp_path)
    until((tmp_path / "ready").exists)
    made = processes.record("one", "airflow", process.pid, patience=0.2)
    processes.ask(made)
    assert not processes.finish(made)
    assert process.wait() == -9


def test_who_works_in_the_servers_folder_belongs_to_it(start, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    leader = start("exec sleep 60")
    apart = start("exec sleep 60", cwd=folder)
    made = processes.record("one", "postgres", leader.pid, folder=str(folder))
    assert {process.pid for process in processes.members(made)} == {leader.pid, apart.pid}
    alone = replace(made, is_alone=True)
    assert processes.members(alone) == [psutil.Process(leader.pid)]


def test_a_dead_child_that_nobody_has_waited_for_is_dead(start):
    process = start("exit 0")
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert processes.birth(process.pid) is None
