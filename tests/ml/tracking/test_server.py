"""A server that is away for a moment is waited for; one that stays away is an error that says what to do."""

from __future__ import annotations

import socket
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ml.errors import TrackingUnavailable
from ml.tracking.server import tracking


@pytest.fixture
def shaky(mlflow_server, mlflow_process, monkeypatch):
    """A server before the real one that refuses as many calls as its list has entries."""
    refusals = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if refusals:
                self.send_error(refusals.pop())
                return
            with urllib.request.urlopen(mlflow_process[0] + self.path) as answer:
                body = answer.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            if refusals:
                self.rfile.read(length)
                self.send_error(refusals.pop())
                return
            request = urllib.request.Request(
                mlflow_process[0] + self.path,
                self.rfile.read(length),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    yield refusals
    server.shutdown()
    server.server_close()


def test_two_refusals_are_waited_for(shaky):
    shaky += [503, 503]
    with tracking():
        pass
    assert shaky == []


def test_a_server_that_goes_on_refusing_is_an_error(shaky):
    shaky += [503] * 20
    with pytest.raises(TrackingUnavailable, match="Nothing was promoted.*run the same command again"), tracking():
        pass
    assert len(shaky) == 16, "one call and three more"


def test_a_server_that_never_answers_is_given_up_in_time_and_said_so(monkeypatch):
    """It takes every call and says nothing, as one does that is stopped or has no thread left."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for name, value in {"TIMEOUT": 1, "MAX_RETRIES": 1, "BACKOFF_FACTOR": 0, "BACKOFF_JITTER": 0}.items():
            monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", str(value))
        with pytest.raises(TrackingUnavailable, match="not answer within 1 s, nor .* 1 more.*Nothing was"), tracking():
            pass
