"""Artefacts of MLflow that hold somebody's rows and are no text go, with a note; a model's files stay as they are."""

from __future__ import annotations

import gzip
import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bankmart import settings
from bankmart.governance.people.erasure import artefacts, requests
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.governance.people.erasure.search import residue


@pytest.fixture
def logged(bank, tmp_path, monkeypatch):
    """The folder of a run's artefacts, and of a model's."""
    monkeypatch.setenv("BANKMART_ARTIFACTS_DIR", str(tmp_path / "artefacts"))
    folders = [tmp_path / "artefacts" / "1" / inside for inside in ("r1/artifacts", "models/m-1/artifacts")]
    for folder in folders:
        folder.mkdir(parents=True)
    (folders[1] / "MLmodel").write_text("flavors: {}\n")
    return folders


def tables(folder, *numbers):
    """The same rows in each way that a scientist might log them."""
    folder.mkdir(exist_ok=True)
    text = "\n".join(["customer_id", *numbers, ""])
    pq.write_table(pa.table({"customer_id": list(numbers)}), folder / "rows.parquet", compression="zstd")
    np.savez_compressed(folder / "rows.npz", who=np.array(numbers))
    np.save(folder / "rows.npy", np.array(numbers))
    with gzip.open(folder / "rows.csv.gz", "wt") as file:
        file.write(text)
    with zipfile.ZipFile(folder / "rows.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", text)
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0tEXtwho\0" + text.encode())
    return {path.name for path in folder.iterdir()}


def ask():
    (number,) = requests.request([("X901", "asks")], "li")
    requests.decide([number], "wang", approve=True)


def test_what_holds_rows_goes_with_a_note(logged, bank, monkeypatch):
    run, _ = logged
    names = tables(run / "mine", "X901", "X902")
    of_others = {path.name: path.read_bytes() for path in (run / "of_others").iterdir()} if tables(
        run / "of_others", "X9010", "X902") else {}  # fmt: skip
    (run / "report.md").write_text("worst: X901\n")
    assert len(names) == 6

    def killed(path, _):
        path.with_name(path.name + artefacts.NOTE).write_text("half")
        raise KeyboardInterrupt

    ask()
    with monkeypatch.context() as patch:
        patch.setattr(artefacts, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            erasure.run("ops")
    erasure.run("ops")
    assert {path.name for path in (run / "mine").iterdir()} == {name + artefacts.NOTE for name in names}
    note = (run / "mine" / "rows.npz.erased.txt").read_text()
    assert note.startswith("rows.npz was removed on 20")
    assert "by erasure 1:" in note
    assert {path.name: path.read_bytes() for path in (run / "of_others").iterdir()} == of_others
    assert (run / "report.md").read_text() == "worst: xxxx\n"
    ((text,),) = bank.rows("select certificate from governance.erasure")
    assert (text["artefacts_removed"], text["left_over"]) == (6, 0)


def test_a_models_file_is_left_and_named(logged, bank):
    _, model = logged
    example = model / "input_example.json"
    example.write_text(json.dumps({"data": ["X901"]}))
    names = tables(model / "data", "X901")
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    ask()
    with pytest.raises(ErasureError, match=r"file artifacts/1/models/m-1/artifacts/input_example.json \(a file of a m"):
        erasure.run("ops")
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before
    assert bank.rows("select state from governance.erasure") == [("running",)]
    assert len(names) == 6
    for path in before:
        path.unlink()
    assert erasure.run("ops").erasures == [1]


def test_packed_files_elsewhere_are_named_and_damaged_ones_read_as_they_are(bank, tmp_path):
    names = tables(settings.state_dir() / "exports", "X901")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04\0\0X901\0")
    assert residue._is_in_file(broken, residue.Search(["X901"]))
    ask()
    try:
        with pytest.raises(ErasureError, match="left in 6 places"):
            erasure.run("ops")
    finally:
        for name in names:
            (settings.state_dir() / "exports" / name).unlink()
    assert erasure.run("ops").erasures == [1]
