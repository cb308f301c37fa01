"""`bankmart notices`: what people were told, and what still waits; --send tries all of it, --test tells something."""

from __future__ import annotations

import argparse

from bankmart import db
from bankmart.governance.notices import channels, outbox
from bankmart.governance.notices.channels import Channel, Notice, NoticeError
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--send, --test, --most."""
    parser.add_argument("--send", action="store_true", help="send what waits, whatever was tried before")
    parser.add_argument("--test", action="store_true", help="send a test on every channel, now")
    parser.add_argument("--most", type=int, default=20, help="how many to show (20)")


def run(args: argparse.Namespace) -> int:
    """Print the list, or send; 1 where something could not be sent."""
    if args.test:
        ways = channels.configured()
        if not ways:
            print("no channel is set up: BANKMART_WEBHOOK_URL or BANKMART_SMTP_HOST")
        return int(sum(_tested(channel) for channel in ways) < len(ways))
    if args.send:
        sent, waiting = outbox.send(by_a_person=True)
        print(f"{sent} sent, {waiting} waiting")
        return int(waiting > 0)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select notice_id, to_char(told_at, 'YYYY-MM-DD HH24:MI'), kind, channel, status, tries, subject, error"
            " from governance.notice order by notice_id desc limit %s",
            (args.most,),
        )
        rows = [list(row) for row in cursor.fetchall()]
    head = ["notice", "told", "kind", "channel", "status", "tries", "subject", "error"]
    print(table(head, rows) if rows else "no notice yet")
    return 0


def _tested(channel: Channel) -> bool:
    try:
        channel.send(Notice(0, "test", "a test", "Bankmart can tell you things on this channel."))
    except NoticeError as error:
        print(f"{channel.name}: not sent: {error}")
        return False
    print(f"{channel.name}: sent")
    return True
