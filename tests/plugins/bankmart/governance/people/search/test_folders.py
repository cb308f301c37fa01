"""An erasure searches every folder that the settings name, says which, and certifies nothing it could not search."""

from __future__ import annotations

import pytest

from bankmart import settings
from bankmart.governance.people.erasure import requests
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.governance.people.erasure.search import folders, residue


def forget():
    (number,) = requests.request([("X901", "asks")], "li")
    requests.decide([number], "wang", approve=True)
    return erasure.run("ops")


@pytest.fixture
def elsewhere(bank, tmp_path, monkeypatch):
    """As on servers: logs, events, heads and artefacts lie in folders of their own."""
    names = {
        "logs": "AIRFLOW__LOGGING__BASE_LOG_FOLDER", "lineage": "BANKMART_LINEAGE_DIR", "audit": "BANKMART_AUDIT_DIR",
        "artifacts": "BANKMART_ARTIFACTS_DIR", "other 1": "BANKMART_SEARCH_DIRS",
    }  # fmt: skip
    assert {name: each for name, each in names.items() if name != "other 1"} == folders.MOVED
    (tmp_path / "landing").mkdir(exist_ok=True)
    made = {name: tmp_path / f"of {name}" for name in names}
    for name, variable in names.items():
        made[name].mkdir()
        monkeypatch.setenv(variable, str(made[name]))
    return made


def test_every_folder_of_the_settings_is_searched_and_said(elsewhere, bank):
    for name in ("logs", "lineage", "other 1"):
        (elsewhere[name] / "deep").mkdir()
        (elsewhere[name] / "deep" / "a.txt").write_text("about X901\n")
    (elsewhere["other 1"] / "rows.bin").write_bytes(b"\0\0X901\0")
    (elsewhere["artifacts"] / "rows.bin").write_bytes(b"\0\0nobody\0")
    heads = elsewhere["audit"] / "heads.jsonl"
    heads.write_text('{"number": 1, "why": "X901"}\n')
    with pytest.raises(ErasureError) as stopped:
        forget()
    assert "left in 2 places:\n" in str(stopped.value)
    assert "file other 1/rows.bin" in str(stopped.value)
    assert "file audit/heads.jsonl" in str(stopped.value)
    for name in ("logs", "lineage", "other 1"):
        assert (elsewhere[name] / "deep" / "a.txt").read_text() == "about xxxx\n"
    (elsewhere["other 1"] / "rows.bin").unlink()
    heads.unlink()
    report = erasure.run("ops")
    ((text,),) = bank.rows("select certificate from governance.erasure where erasure_id = %s", report.erasures[0])
    walked = text["searched"]["folders"]
    assert set(walked) == {"state", "landing", *elsewhere}
    assert walked["artifacts"] == {"path": str(elsewhere["artifacts"]), "files": 1, "bytes": 9}
    assert text["searched"]["databases"][settings.WAREHOUSE] > 50
    assert set(text["searched"]["databases"]) == {settings.WAREHOUSE, settings.AIRFLOW, settings.MLFLOW}
    assert (elsewhere["audit"] / "certificates" / f"erasure-{report.erasures[0]}.json").exists()


def test_a_folder_that_is_not_mounted_is_no_folder_without_residue(elsewhere, bank):
    elsewhere["artifacts"].rmdir()
    with pytest.raises(ErasureError, match=r"1 places could not be searched:\n  folder artifacts \(.*\): it is not th"):
        forget()
    assert bank.rows("select state from governance.erasure") == [("running",)]
    elsewhere["artifacts"].mkdir()
    assert erasure.run("ops").erasures == [1]


def test_a_file_that_can_not_be_read_is_no_file_without_residue(elsewhere, monkeypatch):
    (elsewhere["logs"] / "task.log").write_text("about X901\n")
    read = residue._is_in_file

    def refused(path, search):
        if path.name == "task.log" and path.parent == elsewhere["logs"]:
            raise PermissionError(13, "Permission denied")
        return read(path, search)

    with monkeypatch.context() as patch:
        patch.setattr(residue, "_is_in_file", refused)
        with pytest.raises(ErasureError, match=r"1 places could not be searched:\n  file logs/task.log .*Permission d"):
            forget()
    assert erasure.run("ops").erasures == [1]
    assert (elsewhere["logs"] / "task.log").read_text() == "about xxxx\n"
