"""What people have decided and asked about a person, beside what was delivered; what an answer lacks, and why."""

from __future__ import annotations

from typing import Any

from bankmart.governance.people.person import Person

ANOTHER = "another customer"
IDENTITY = """
select customer_id, other_customer_id, decision, business_date, reason, decided_at from governance.identity_decision
where customer_id = any(%(own)s) or other_customer_id = any(%(own)s) order by decision_id
"""
ERASURE = """
select customer_id, state, reason, requested_at, decided_at from governance.erasure
where customer_id = any(%(own)s) order by erasure_id
"""
PARTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (IDENTITY, {
        "table": "governance.identity_decision", "zh": "客户号归并决定",
        "en": "Decisions of people that customer numbers are, or are not, one person.",
        "legal_basis": None, "kept_years": 15,
        "columns": {
            "customer_id": {"zh": "客户号", "en": ""}, "other_customer_id": {"zh": "另一客户号", "en": ""},
            "decision": {"zh": "决定", "en": "merge or split."}, "business_date": {"zh": "业务日期", "en": ""},
            "reason": {"zh": "理由", "en": ""}, "decided_at": {"zh": "决定时间", "en": ""},
        },
    }),
    (ERASURE, {
        "table": "governance.erasure", "zh": "删除请求", "en": "Requests to be forgotten that are not carried out.",
        "legal_basis": None, "kept_years": "as long as it is not carried out, less than 1",
        "columns": {
            "customer_id": {"zh": "客户号", "en": ""}, "state": {"zh": "状态", "en": ""},
            "reason": {"zh": "理由", "en": ""}, "requested_at": {"zh": "提出时间", "en": ""},
            "decided_at": {"zh": "决定时间", "en": ""},
        },
    }),
)  # fmt: skip
# The same in every answer: to say it only of those whom it concerns would say it.
WITHHELD = (
    {
        "what": "governance.legal_hold", "zh": "法定保留",
        "en": "Whether a legal hold keeps data of this person, and why: to say so may defeat an investigation (PIPL"
        " articles 18 and 45, Anti-Money Laundering Law). Ask the data protection officer.",
    },
    {
        "what": "names of staff", "zh": "员工姓名",
        "en": "Who decided, approved or read: data of other persons. The audit chain has them, under a token of yours.",
    },
    {
        "what": "other persons", "zh": "他人信息",
        "en": "Numbers of other customers in decisions about this person.",
    },
    {
        "what": "build_id, load_id, record hashes, keys", "zh": "平台内部编号与密钥",
        "en": "The platform's own numbers, hashes and keys: they say nothing of a person, and would open others' data.",
    },
    {
        "what": "landing files, schema intermediate, older builds of the profile", "zh": "副本",
        "en": "Copies on the way: the same data as in the tables shown here.",
    },
    {
        "what": "models", "zh": "模型",
        "en": "A trained model holds weights of many persons, no record of one. Its scores of this person are shown.",
    },
)  # fmt: skip


def of(cursor: Any, one: Person) -> list[dict[str, Any]]:
    """The decisions and requests about a person, as parts of an answer; `cursor` gives rows as dictionaries."""
    found = []
    for statement, about in PARTS:
        cursor.execute(statement, {"own": list(one.customers)})
        rows = [dict(row) for row in cursor.fetchall()]
        for row in rows:
            for name in ("customer_id", "other_customer_id"):
                if row.get(name) and row[name] not in one.customers:
                    row[name] = ANOTHER
        if rows:
            found.append(about | {"rows": rows})
    return found
