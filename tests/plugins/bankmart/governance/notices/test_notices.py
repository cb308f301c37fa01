"""Notices go to real servers on the loopback; what can't be sent waits; secrets show nowhere."""

from __future__ import annotations

import argparse
import json
import logging
import os
import smtplib
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bankmart import db
from bankmart.governance import notices
from bankmart.governance.notices import channels, command, outbox
from bankmart.governance.notices.channels import Notice, NoticeError

TOKEN, PASSWORD = "token-4711-secret", "password-4712-secret"


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def web():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(self.server.answer)
            if self.server.answer == 302:
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
            self.end_headers()

        def do_GET(self):
            self.server.got.append((self.path, dict(self.headers), None))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer = [], 200
    with serving(server):
        yield server


@pytest.fixture
def post():
    """An SMTP server: it takes what it is sent, and refuses receivers at nowhere.example."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 test\r\n")
            lines, in_data = [], False
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                if in_data:
                    if line == ".":
                        in_data = False
                        self.server.got.append("\n".join(lines))
                        self.wfile.write(b"250 ok\r\n")
                    else:
                        lines.append(line)
                    continue
                word = line.split(" ")[0].upper()
                self.server.said.append(line.upper())
                answers = {"EHLO": b"250-test\r\n250 AUTH PLAIN\r\n", "DATA": b"354 go on\r\n", "QUIT": b"221 bye\r\n",
                           "AUTH": b"235 welcome\r\n"}  # fmt: skip
                in_data = word == "DATA"
                if "nowhere.example" in line:
                    self.wfile.write(b"550 no such person\r\n")
                else:
                    self.wfile.write(answers.get(word, b"250 ok\r\n"))
                if word == "QUIT":
                    return

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.got, server.said = [], []
    with serving(server):
        yield server


@pytest.fixture
def told(warehouse, monkeypatch, web, post):
    """Both channels set up by the environment."""
    monkeypatch.setenv("BANKMART_WEBHOOK_URL", f"http://127.0.0.1:{web.server_port}/hook?key={TOKEN}")
    monkeypatch.setenv("BANKMART_SECRET_WEBHOOK", TOKEN)
    monkeypatch.setenv("BANKMART_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("BANKMART_SMTP_PORT", str(post.server_address[1]))
    monkeypatch.setenv("BANKMART_SMTP_USER", "bankmart")
    monkeypatch.setenv("BANKMART_SECRET_SMTP", PASSWORD)
    monkeypatch.setenv("BANKMART_SMTP_FROM", "bankmart@bank.example")
    monkeypatch.setenv("BANKMART_SMTP_TO", "ops@bank.example, dpo@bank.example")
    monkeypatch.setenv("BANKMART_SMTP_SECURITY", "none")
    return web, post


def ask(statement, *values):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def waited(**time):
    """So long ago was every try."""
    ((unit, count),) = time.items()
    ask(f"update governance.notice set tried_at = tried_at - make_interval({unit} => %s)", count)


def bankmart_notices(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def kept():
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select channel, status, tries, error from governance.notice order by notice_id")
        return cursor.fetchall()


def test_a_notice_goes_to_the_webhook_and_by_mail(told):
    web, post = told
    notices.tell("red_gate", "gate marts\nis red", "one check\n闸门")
    ((path, headers, body),) = web.got
    assert path.startswith("/hook")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert (body["kind"], body["subject"], body["body"]) == ("red_gate", "gate marts\nis red", "one check\n闸门")
    (mail,) = post.got
    assert "Subject: [Bankmart] gate marts is red" in mail
    assert "RCPT TO:<OPS@BANK.EXAMPLE>" in post.said
    assert "RCPT TO:<DPO@BANK.EXAMPLE>" in post.said
    assert any(line.startswith("AUTH PLAIN") for line in post.said)
    assert kept() == [("webhook", "sent", 1, None), ("mail", "sent", 1, None)]
    notices.tell("red_gate", "gate marts\nis red", "one check\n闸门")
    assert len(web.got) == len(post.got) == 1


def test_what_cannot_be_sent_waits_and_goes_later(told, caplog):
    web, post = told
    web.answer = 500
    post.shutdown()
    post.server_close()
    with caplog.at_level(logging.DEBUG):
        notices.tell("drift", "one tag has drifted", "body")
        web.answer = 302
        waited(mins=6)
        outbox.send()
    assert [row[:3] for row in kept()] == [("webhook", "waiting", 2), ("mail", "waiting", 2)]
    # A redirect is not followed: the token would go along.
    assert {path.split("?")[0] for path, *_ in web.got} == {"/hook"}
    errors = " ".join(row[3] for row in kept())
    assert "the webhook at 127.0.0.1 answered 302" in errors
    for secret in (TOKEN, PASSWORD):
        assert secret not in errors + caplog.text
        assert secret not in repr(channels.configured())
    web.answer = 204
    assert outbox.send() == (0, 2), "it was tried just now"
    waited(mins=11)
    assert outbox.send() == (1, 1)
    assert web.got[-1][2]["notice"] == web.got[0][2]["notice"]


def test_a_refused_receiver_is_an_error(told, monkeypatch):
    monkeypatch.setenv("BANKMART_SMTP_TO", "someone@nowhere.example,ops@bank.example")
    mail = next(channel for channel in channels.configured() if channel.name == "mail")
    with pytest.raises(NoticeError, match="refused 1 of 2 receivers"):
        mail.send(Notice(1, "test", "s", "b"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BANKMART_SMTP_SECURITY", "maybe", "starttls, tls or none"),
        ("BANKMART_SMTP_TO", " , ", "BANKMART_SMTP_TO"),
        ("BANKMART_SMTP_FROM", "", "BANKMART_SMTP_FROM"),
        ("BANKMART_SMTP_PORT", "smtp", "BANKMART_SMTP_PORT"),
        ("BANKMART_SMTP_PORT", "70000", "BANKMART_SMTP_PORT"),
        ("BANKMART_SMTP_TO", "a@bank.example\nBcc: b@bank.example", "mail: 127.0.0.1 can't be used (ValueError)"),
    ],
)
def test_a_channel_set_up_wrongly_keeps_its_own_notices_waiting(told, monkeypatch, caplog, name, value, message):
    web, post = told
    was = os.environ.get(name, "")
    monkeypatch.setenv(name, value)
    notices.tell("audit", "s", "b")
    assert [body["subject"] for _, _, body in web.got] == ["s"]
    assert message in caplog.text
    assert [row[:3] for row in kept()] == [("webhook", "sent", 1), ("mail", "waiting", 1)]
    assert message in kept()[1][3]
    monkeypatch.setenv(name, was)
    waited(mins=6)
    assert outbox.send() == (1, 0)
    assert len(post.got) == len(web.got) == 1


@pytest.mark.parametrize("url", ["http://hooks.bank.example/x", "https://[1", "hooks.bank.example"])
def test_a_wrong_webhook_stops_no_mail(told, monkeypatch, url):
    monkeypatch.setenv("BANKMART_WEBHOOK_URL", url)
    notices.tell("audit", "s", "b")
    assert [row[:3] for row in kept()] == [("webhook", "waiting", 1), ("mail", "sent", 1)]
    assert "must begin with https://" in kept()[0][3]
    assert len(told[1].got) == 1


def test_a_server_that_speaks_no_http_stops_no_mail(told, monkeypatch, post):
    monkeypatch.setenv("BANKMART_WEBHOOK_URL", f"http://127.0.0.1:{post.server_address[1]}")
    notices.tell("audit", "s", "b")
    assert [row[:2] for row in kept()] == [("webhook", "waiting"), ("mail", "sent")]
    assert "can't be reached (BadStatusLine)" in kept()[0][3]


def test_the_test_tries_every_channel(told, monkeypatch, capsys):
    assert bankmart_notices("--test") == 0
    monkeypatch.setenv("BANKMART_WEBHOOK_URL", "http://hooks.bank.example/x")
    assert bankmart_notices("--test") == 1
    said = capsys.readouterr().out.splitlines()
    assert said[2:] == ["webhook: not sent: the webhook's address must begin with https://", "mail: sent"]
    assert len(told[1].got) == 2


def test_the_tries_of_a_notice_are_spread_in_time(told):
    """However many others are told while a channel is away: the first has tries left when it is back."""
    web, _ = told
    web.answer = 500
    for number in range(outbox.TRIES + 1):
        notices.tell("red_gate", f"gate {number}", "b")
    assert {row[2] for row in kept() if row[0] == "webhook"} == {1}
    assert len(web.got) == outbox.TRIES + 1
    ask("delete from governance.notice where channel <> 'webhook' or subject <> 'gate 0'")
    for tries, minutes in enumerate((5, 10, 20, 40, 80, 160, 320, 640, 720, 720), start=1):
        waited(mins=minutes - 1)
        outbox.send()
        assert kept()[0][2] == tries
        waited(mins=1)
        outbox.send()
        assert kept()[0][2] == tries + 1


def test_a_person_sends_what_was_tried_too_often(told, capsys):
    web, _ = told
    web.answer = 500
    notices.tell("drift", "s", "b")
    ask("update governance.notice set tries = %s", outbox.TRIES)
    assert bankmart_notices("--send") == 1
    web.answer = 200
    waited(days=30)
    assert outbox.send() == (0, 1)
    assert bankmart_notices("--send") == 0
    assert capsys.readouterr().out.splitlines() == ["0 sent, 1 waiting", "1 sent, 0 waiting"]
    assert kept()[0][:3] == ("webhook", "sent", outbox.TRIES)


def test_a_clock_that_was_wrong_silences_nothing(told):
    web, _ = told
    web.answer = 500
    for _ in range(2):
        notices.tell("vault", "s", "b")
        ask("update governance.notice set told_at = told_at + interval '3 years', tried_at = now() + interval '1 year'")
    assert len(kept()) == 4
    web.answer = 200
    notices.tell("vault", "s", "b")
    assert [row[1] for row in kept()] == ["sent"] * 6


def test_secrets_go_out_encrypted_only(told, monkeypatch):
    monkeypatch.setenv("BANKMART_WEBHOOK_URL", "http://hooks.bank.example/x")
    monkeypatch.setenv("BANKMART_SMTP_HOST", "mail.bank.example")
    webhook, mail = channels.configured()
    with pytest.raises(NoticeError, match="https://"):
        webhook.send(Notice(1, "test", "s", "b"))
    with pytest.raises(NoticeError, match="unencrypted"):
        mail.send(Notice(1, "test", "s", "b"))


def test_starttls_is_not_given_up_where_the_server_has_none(told, monkeypatch):
    monkeypatch.setenv("BANKMART_SMTP_SECURITY", "starttls")
    _, mail = channels.configured()
    with pytest.raises(NoticeError, match=smtplib.SMTPNotSupportedError.__name__):
        mail.send(Notice(1, "test", "s", "b"))
    assert not any(line.startswith("AUTH") for line in told[1].said)


def test_without_a_channel_a_notice_is_kept(warehouse, monkeypatch):
    for name in ("BANKMART_WEBHOOK_URL", "BANKMART_SMTP_HOST"):
        monkeypatch.delenv(name, raising=False)
    notices.tell("expired_tags", "two tags", "body")
    assert kept() == [("none", "sent", 0, None)]
