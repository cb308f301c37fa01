"""What is to be told is written down first, then sent: what could not be sent now, governance_daily sends again."""

from __future__ import annotations

import logging

from bankmart import db
from bankmart.governance.notices import channels
from bankmart.governance.notices.channels import Notice, NoticeError

log = logging.getLogger("bankmart")
# The same is not told twice within so many hours: a gate that is judged again says nothing new.
QUIET_HOURS = 20
TRIES = 20
# Without a channel a notice is kept all the same.
NOWHERE = "none"


def tell(kind: str, subject: str, body: str) -> None:
    """Tell people, on every channel that is set up; never fails: what can't be sent waits and is logged.

    `body` goes to other systems: no personal data, no examples of rows.
    """
    try:
        names = [channel.name for channel in channels.configured()]
    except NoticeError as error:
        log.warning("notice: %s", error)
        names = []
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select 1 from governance.notice where kind = %s and subject = %s and body = %s"
            " and told_at > clock_timestamp() - make_interval(hours => %s) limit 1",
            (kind, subject, body, QUIET_HOURS),
        )
        if cursor.fetchone():
            return
        for name in names or [NOWHERE]:
            cursor.execute(
                "insert into governance.notice (kind, subject, body, channel, status) values (%s, %s, %s, %s, %s)",
                (kind, subject, body, name, "waiting" if names else "sent"),
            )
    if names:
        send()


def send() -> tuple[int, int]:
    """Send what waits, at least once (a repetition has its number); returns how many were sent, how many still wait."""
    try:
        ways = {channel.name: channel for channel in channels.configured()}
    except NoticeError as error:
        log.warning("notice: %s", error)
        ways = {}
    sent = 0
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select notice_id, kind, subject, body, channel from governance.notice"
            " where status = 'waiting' and tries < %s order by notice_id for update skip locked",
            (TRIES,),
        )
        for number, kind, subject, body, name in cursor.fetchall():
            said = None
            try:
                if name not in ways:
                    raise NoticeError(f"{name} is not set up any more")
                ways[name].send(Notice(number, kind, subject, body))
                sent += 1
            except NoticeError as error:
                said = str(error)
                log.warning("notice %s waits: %s", number, said)
            cursor.execute(
                "update governance.notice set tries = tries + 1, error = %s,"
                " status = case when %s::text is null then 'sent' else status end,"
                " sent_at = case when %s::text is null then clock_timestamp() end where notice_id = %s",
                (said, said, said, number),
            )
        cursor.execute("select count(*) from governance.notice where status = 'waiting'")
        (waiting,) = db.one(cursor)
    return sent, int(waiting)
