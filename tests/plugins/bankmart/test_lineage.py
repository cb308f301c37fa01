"""Lineage events never stop a build: not where they can't be sent, nor where nobody wants them."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from bankmart import lineage, settings
from bankmart.governance.build import Build

BUILD = Build(1, date(2026, 10, 31), "daily", 1, (date(2026, 10, 31),), ())
TIMING = [
    SimpleNamespace(name="execute", started_at=datetime(2026, 11, 1, 1), completed_at=datetime(2026, 11, 1, 1, 0, 2))
]


def model(name, *parents):
    return {
        "name": name, "schema": "marts", "columns": {"a": {"name": "a", "data_type": "text"}},
        "depends_on": {"nodes": list(parents)},
    }  # fmt: skip


MANIFEST = {
    "nodes": {"model.b.one": model("one"), "model.b.two": model("two", "model.b.one", "source.b.s.t")},
    "sources": {"source.b.s.t": {"name": "t", "identifier": "s__t", "schema": "sources"}},
}


def result(name, status, timing, **response):
    return SimpleNamespace(
        node=SimpleNamespace(unique_id=name), status=status, timing=timing, adapter_response=response,
        message="Key (13800138000) is there twice",
    )  # fmt: skip


RESULTS = [
    result("model.b.one", "success", TIMING, rows_affected=7),
    result("model.b.two", "error", []),
    result("test.b.three", "fail", TIMING),
]


@pytest.fixture(autouse=True)
def _own_place(warehouse, monkeypatch):
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_API_KEY", "OPENLINEAGE_DISABLED", lineage.PARENT):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("BANKMART_LINEAGE_DIR", raising=False)
    file().unlink(missing_ok=True)


def file():
    return settings.state_dir() / "lineage" / "events.jsonl"


def told():
    return [json.loads(line) for line in file().read_text().splitlines()]


def sent(layer="marts"):
    with lineage.sending(layer, BUILD, RESULTS, MANIFEST) as jobs:
        pass
    return jobs


def test_a_layer_and_its_models_begin_and_end(monkeypatch):
    monkeypatch.setenv(lineage.PARENT, "bankmart/mart_daily.dbt_marts/0190a0f2-0000-7000-8000-000000000000")
    assert len(sent()) == 6
    said = told()
    assert [(each["job"]["name"], each["eventType"]) for each in said] == [
        ("dbt.marts", "START"),
        ("dbt.marts.one", "START"), ("dbt.marts.one", "COMPLETE"),
        ("dbt.marts.two", "START"), ("dbt.marts.two", "FAIL"),
        ("dbt.marts", "FAIL"),
    ]  # fmt: skip
    layer, one, two = said[0]["run"], said[2], said[4]
    assert layer["facets"]["parent"]["job"]["name"] == "mart_daily.dbt_marts"
    assert one["run"]["facets"]["parent"]["run"]["runId"] == layer["runId"]
    assert one["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-10-31T00:00:00Z"
    assert one["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert [each["name"] for each in two["inputs"]] == ["bankmart.marts.one", "bankmart.sources.s__t"]
    assert "13800138000" not in file().read_text()


def test_an_endpoint_that_does_not_answer_is_a_warning(monkeypatch, caplog):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert not sent()
    assert "lineage of layer marts could not be sent" in caplog.text


@pytest.fixture
def catalogue():
    """An endpoint that receives, on the loopback: path, headers and event of each request; `answer` is its status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.server.got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(self.server.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer = [], 201
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_endpoint_receives_what_the_file_would(catalogue, monkeypatch):
    sent()
    written = told()
    file().unlink()
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{catalogue.server_port}")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-4711")
    assert len(sent()) == len(catalogue.got) == 6
    assert {path for path, _, _ in catalogue.got} == {"/api/v1/lineage"}
    assert {headers["Authorization"] for _, headers, _ in catalogue.got} == {"Bearer key-4711"}
    said = [event for _, _, event in catalogue.got]

    def essence(events):
        return [(each["eventType"], each["job"], each["inputs"], each["outputs"]) for each in events]

    assert essence(said) == essence(written)
    assert "13800138000" not in json.dumps(said)
    assert not file().exists(), "to the endpoint instead, not as well"


def test_an_endpoint_that_refuses_is_a_warning_without_the_key(catalogue, monkeypatch, caplog):
    catalogue.answer = 403
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{catalogue.server_port}")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-4711")
    assert sent() == []
    assert len(catalogue.got) == 1
    assert "lineage of layer marts could not be sent, after 0 events" in caplog.text
    assert "key-4711" not in caplog.text


def test_who_wants_none_gets_none(monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert not sent()
    assert not file().exists()


def test_events_fill_no_disk(monkeypatch, tmp_path):
    """Each layer's events are there once, the newest in events.jsonl; of old files so many stay and no more."""
    monkeypatch.setenv("BANKMART_LINEAGE_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(lineage, "LARGEST", 1)
    for number in range(lineage.KEPT + 3):
        sent(f"layer{number}")
    names = ["events.jsonl", *(f"events.{number}.jsonl" for number in range(1, lineage.KEPT + 1))]
    found = {path.name: path.read_text() for path in (tmp_path / "elsewhere").glob("*.jsonl")}
    assert sorted(found) == sorted(names)
    newest = lineage.KEPT + 2
    for age, name in enumerate(names):
        said = [json.loads(line)["job"]["name"] for line in found[name].splitlines()]
        assert {name.split(".")[1] for name in said} == {f"layer{newest - age}"}
    assert not file().exists()
