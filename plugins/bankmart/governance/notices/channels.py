"""The ways on which people are told: a webhook and mail, from the environment or from Airflow's connections.

Neither addresses (a webhook's may be its password) nor secrets are ever in an error: only the host and what happened.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import urlsplit

from bankmart import settings
from bankmart.errors import BankmartError

TIMEOUT = 10.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NoticeError(BankmartError):
    """A notice could not be told, or a channel is set up wrongly."""


@dataclass(frozen=True)
class Notice:
    """One message: `number` is the same however often it is sent."""

    number: int
    kind: str
    subject: str
    body: str


class Channel(Protocol):
    """A way on which a notice goes out."""

    @property
    def name(self) -> str:
        """What it is called in governance.notice."""

    def send(self, notice: Notice) -> None:
        """Send it. Raises NoticeError, whose words hold no secret."""


class _Stay(urllib.request.HTTPRedirectHandler):
    # Where a redirect leads the token has no business.
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Webhook:
    """A POST of JSON: kind, subject, body, and the notice's number, by which a repetition is recognised."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    name: str = "webhook"

    def send(self, notice: Notice) -> None:
        """Send it; anything but an answer of 2xx within ten seconds is an error."""
        try:
            at = urlsplit(self.url)
        except ValueError:
            raise NoticeError("the webhook's address can't be read: it must begin with https://") from None
        if at.scheme != "https" and not (at.scheme == "http" and at.hostname in LOOPBACK):
            raise NoticeError("the webhook's address must begin with https://")
        body = {"notice": notice.number, "kind": notice.kind, "subject": notice.subject, "body": notice.body}
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers, method="POST")
        try:
            with urllib.request.build_opener(_Stay()).open(request, timeout=TIMEOUT):
                pass
        except urllib.error.HTTPError as error:
            raise NoticeError(f"the webhook at {at.hostname} answered {error.code}") from None
        except Exception as error:
            # Also what is no HTTP, or a header that can't be sent: the notice waits, and nobody else's does.
            raise NoticeError(f"the webhook at {at.hostname} can't be reached ({type(error).__name__})") from None


@dataclass(frozen=True)
class Mail:
    """A message by SMTP. `security`: starttls, tls or none; a password never goes out unencrypted."""

    host: str
    port: int
    sender: str
    receivers: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    security: str = "starttls"
    name: str = "mail"

    def send(self, notice: Notice) -> None:
        """Send it to all receivers; one who is refused is an error."""
        if self.security == "none" and self.password and self.host not in LOOPBACK:
            raise NoticeError("mail: a password would go out unencrypted; set BANKMART_SMTP_SECURITY=starttls or tls")
        try:
            message = self._written(notice)
            with self._connect() as server:
                if self.user and self.password:
                    server.login(self.user, self.password)
                if refused := server.send_message(message):
                    raise NoticeError(f"mail: {self.host} refused {len(refused)} of {len(self.receivers)} receivers")
        except NoticeError:
            raise
        except smtplib.SMTPResponseException as error:
            raise NoticeError(f"mail: {self.host} answered {error.smtp_code} ({type(error).__name__})") from None
        except Exception as error:
            raise NoticeError(f"mail: {self.host} can't be used ({type(error).__name__})") from None

    def _written(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(f"[Bankmart] {notice.subject}".split())
        message["From"], message["To"] = self.sender, ", ".join(self.receivers)
        message["X-Bankmart-Notice"] = str(notice.number)
        message.set_content(notice.body)
        return message

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        if self.security == "starttls":
            server.starttls(context=context)
        return server


@dataclass(frozen=True)
class Broken:
    """A channel that is set up wrongly: it sends nothing and says why, so that its notices wait and no others do."""

    name: str
    reason: str

    def send(self, notice: Notice) -> None:
        """Raises NoticeError with what is wrong."""
        raise NoticeError(self.reason)


def configured() -> list[Channel]:
    """The channels that are set up: by the environment, else by Airflow's connections of the same names.

    Each is judged by itself: one that is set up wrongly is there as `Broken`, the others as they are.

    Environment: BANKMART_WEBHOOK_URL and the secret `webhook`; BANKMART_SMTP_HOST, _PORT, _USER, _FROM, _TO (with
    commas), _SECURITY and the secret `smtp`. Connections: bankmart_webhook (host: the whole address, password: token),
    bankmart_smtp (host, port, login, password; extra: from, to, security).
    """
    return [*_judged("webhook", _webhook), *_judged("mail", _mail)]


def _judged(name: str, made: Callable[[], Iterator[Channel]]) -> list[Channel]:
    try:
        return list(made())
    except NoticeError as error:
        return [Broken(name, str(error))]
    except Exception as error:
        # Not its words: they may quote a secret.
        return [Broken(name, f"{name}: its settings can't be read ({type(error).__name__})")]


def _webhook() -> Iterator[Channel]:
    url, token = os.environ.get("BANKMART_WEBHOOK_URL"), settings.given_secret("webhook")
    if not (url or settings.given_secret("webhook_url")) and (found := _connection("bankmart_webhook")):
        url, token = found.host, found.password
    if url := url or settings.given_secret("webhook_url"):
        yield Webhook(url, token or None)


def _mail() -> Iterator[Channel]:
    names = ("host", "port", "user", "from", "to", "security")
    stated = {name: os.environ.get(f"BANKMART_SMTP_{name.upper()}") or None for name in names}
    password = settings.given_secret("smtp")
    if not stated["host"] and (found := _connection("bankmart_smtp")):
        extra = found.extra_dejson
        stated = {"host": found.host, "port": str(found.port or ""), "user": found.login} | {
            name: extra.get(name) for name in ("from", "to", "security")
        }
        password = found.password
    if not stated["host"]:
        return
    security = stated["security"] or "starttls"
    if security not in ("starttls", "tls", "none"):
        raise NoticeError(f"BANKMART_SMTP_SECURITY is {security!r}: starttls, tls or none")
    receivers = tuple(filter(None, (each.strip() for each in (stated["to"] or "").split(","))))
    if not stated["from"] or not receivers:
        raise NoticeError("mail needs BANKMART_SMTP_FROM and BANKMART_SMTP_TO")
    port = _port(stated["port"]) or (465 if security == "tls" else 587)
    yield Mail(stated["host"], port, stated["from"], receivers, stated["user"], password, security)


def _port(stated: str | None) -> int | None:
    if stated and not (stated.isdecimal() and 0 < int(stated) < 65536):
        raise NoticeError(f"BANKMART_SMTP_PORT is {stated!r}: a number up to 65535, or nothing for the usual one")
    return int(stated) if stated else None


def _connection(name: str) -> Any:
    # Only where Airflow runs this process: its connections can't be had elsewhere.
    if "airflow.sdk" not in sys.modules or not os.environ.get("AIRFLOW_CTX_DAG_ID"):
        return None
    from airflow.sdk import Connection

    try:
        return Connection.get(name)
    except Exception:
        return None
