from __future__ import annotations

import json
import pickle

import pytest

from ml.errors import ArtefactRefused
from ml.tracking.package import hashes, refuse_unsafe, verify


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {}")
    (tmp_path / "model.lgb").write_text("tree")
    (tmp_path / "model.json").write_text("{}")
    return tmp_path


def test_plain_files_with_their_hashes_pass(folder):
    verify(folder, json.dumps(hashes(folder)), "churn version 1")
    (folder / "registered_model_meta").write_text("written by the download")
    verify(folder, json.dumps(hashes(folder)), "churn version 1")


@pytest.mark.parametrize("name", ["m.pkl", "m.cloudpickle", "m.joblib", "m.py", "m.so", "python_model", "a/b/m.pickle"])
def test_files_that_can_run_code_are_refused(folder, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    with pytest.raises(ArtefactRefused, match=name):
        refuse_unsafe(folder)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_under_an_innocent_name_is_refused(folder, protocol):
    (folder / "notes.json").write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
    with pytest.raises(ArtefactRefused, match="notes.json"):
        refuse_unsafe(folder)


def test_a_link_is_refused(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.json"
    elsewhere.write_text("{}")
    (folder / "link.json").symlink_to(elsewhere)
    with pytest.raises(ArtefactRefused, match="link"):
        refuse_unsafe(folder)


def test_changed_missing_added_and_untagged_are_refused_by_name(folder):
    tag = json.dumps(hashes(folder))
    (folder / "model.lgb").write_text("other tree")
    with pytest.raises(ArtefactRefused, match="model.lgb was changed"):
        verify(folder, tag, "churn version 1")
    (folder / "model.lgb").unlink()
    with pytest.raises(ArtefactRefused, match="model.lgb is missing"):
        verify(folder, tag, "churn version 1")
    (folder / "model.lgb").write_text("tree")
    (folder / "more.json").write_text("{}")
    with pytest.raises(ArtefactRefused, match="more.json wasn't there"):
        verify(folder, tag, "churn version 1")
    with pytest.raises(ArtefactRefused, match="carries no hashes"):
        verify(folder, None, "churn version 1")
