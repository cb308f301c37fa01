"""What is to be told is written down first, then sent: what could not be sent is sent later, with the next notice or by
governance_daily, after pauses that grow; by a person (`bankmart notices --send`) at once."""

from __future__ import annotations

import logging

from bankmart import db
from bankmart.governance.notices import channels
from bankmart.governance.notices.channels import Notice, NoticeError

log = logging.getLogger("bankmart")
# The same is not told twice within so many hours: a gate that is judged again says nothing new.
QUIET_HOURS = 20
# After a try that failed a notice waits so long, each time twice as long as before: however many others are told
# meanwhile, the tries by itself go on for a week at least. After the last of them a person sends it.
PAUSE_MINUTES, LONGEST_MINUTES, TRIES = 5, 12 * 60, 20
# Of a moment that is still to come (a clock that was wrong) nothing is known: it keeps nothing from being told.
WAITING = """
select notice_id, kind, subject, body, channel from governance.notice
where status = 'waiting' and (%(by_a_person)s or tries < %(tries)s and (
    tried_at is null or tried_at > clock_timestamp() or tried_at < clock_timestamp()
    - make_interval(mins => least(%(longest)s, %(pause)s * power(2, least(tries, %(tries)s) - 1))::integer)
))
order by notice_id for update skip locked
"""
# Without a channel a notice is kept all the same.
NOWHERE = "none"


def tell(kind: str, subject: str, body: str) -> None:
    """Tell people, on every channel that is set up; never fails: what can't be sent waits and is logged.

    `body` goes to other systems: no personal data, no examples of rows.
    """
    names = [channel.name for channel in channels.configured()]
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select 1 from governance.notice where kind = %s and subject = %s and body = %s"
            " and told_at between clock_timestamp() - make_interval(hours => %s) and clock_timestamp() limit 1",
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


def send(*, by_a_person: bool = False) -> tuple[int, int]:
    """Send what waits, at least once (a repetition has its number); returns how many were sent, how many still wait.

    What has been tried of late is left alone; `by_a_person`: all is tried, and no try is counted.
    """
    ways = {channel.name: channel for channel in channels.configured()}
    sent = 0
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            WAITING,
            {"by_a_person": by_a_person, "tries": TRIES, "pause": PAUSE_MINUTES, "longest": LONGEST_MINUTES},
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
                "update governance.notice set tries = tries + %s, tried_at = clock_timestamp(), error = %s,"
                " status = case when %s::text is null then 'sent' else status end,"
                " sent_at = case when %s::text is null then clock_timestamp() end where notice_id = %s",
                (int(not by_a_person), said, said, said, number),
            )
        cursor.execute("select count(*) from governance.notice where status = 'waiting'")
        (waiting,) = db.one(cursor)
    return sent, int(waiting)
