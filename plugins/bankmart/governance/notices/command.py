"""`bankmart notices`: what people were told, and what still waits; --send tries again, --test tells something."""

from __future__ import annotations

import argparse

from bankmart import db
from bankmart.governance.notices import channels, outbox
from bankmart.governance.notices.channels import Notice
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--send, --test, --most."""
    parser.add_argument("--send", action="store_true", help="send what waits")
    parser.add_argument("--test", action="store_true", help="send a test on every channel, now")
    parser.add_argument("--most", type=int, default=20, help="how many to show (20)")


def run(args: argparse.Namespace) -> int:
    """Print the list, or send. Raises NoticeError where the test can't be sent."""
    if args.test:
        ways = channels.configured()
        for channel in ways:
            channel.send(Notice(0, "test", "a test", "Bankmart can tell you things on this channel."))
            print(f"{channel.name}: sent")
        if not ways:
            print("no channel is set up: BANKMART_WEBHOOK_URL or BANKMART_SMTP_HOST")
        return 0
    if args.send:
        sent, waiting = outbox.send()
        print(f"{sent} sent, {waiting} waiting")
        return int(waiting > 0)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select notice_id, to_char(told_at, 'YYYY-MM-DD HH24:MI'), kind, channel, status, subject, error"
            " from governance.notice order by notice_id desc limit %s",
            (args.most,),
        )
        rows = [list(row) for row in cursor.fetchall()]
    print(table(["notice", "told", "kind", "channel", "status", "subject", "error"], rows) if rows else "no notice yet")
    return 0
