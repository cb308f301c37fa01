"""The answer to an access request as a page for people: no script, nothing from elsewhere, all text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = """
body { font: 14px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem auto; max-width: 70rem; color: #222 }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin: 2rem 0 .2rem }
p { margin: .2rem 0 } .scroll { overflow-x: auto }
table { border-collapse: collapse; margin: .5rem 0 } th, td { border: 1px solid #ccc; text-align: left }
th, td { padding: .2rem .5rem }
th { background: #f2f2f2; font-weight: 600; white-space: nowrap } small { color: #666; font-weight: normal }
"""


def page(told: Mapping[str, Any]) -> str:
    """The whole page, in Chinese and English."""
    parts = "\n".join(_part(part) for part in told["tables"])
    withheld = "\n".join(
        f"<li>{_text(each['zh'])} <small>{_text(each['what'])}</small>: {_text(each['en'])}</li>"
        for each in told.get("not_shown", ())
    )
    count = sum(len(part["rows"]) for part in told["tables"])
    return f"""<!doctype html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>个人信息副本 · Personal data held</title>
<style>{STYLE}</style>
</head>
<body>
<h1>个人信息副本 · Personal data held</h1>
<p>客户号 Customer: {_text(told["customer"])}. 生成时间 Made at: {_text(told["made_at"])}.</p>
<p>{len(told["tables"])} 张表 tables, {count} 条记录 records.</p>
{parts}
<h2>未提供的内容 <small>Not shown, and why</small></h2>
<ul>
{withheld}
</ul>
</body>
</html>
"""


def _part(part: Mapping[str, Any]) -> str:
    names = list(part["columns"])
    head = "".join(
        f'<th title="{_text(about["en"])}">{_text(about["zh"])}<br><small>{_text(name)}</small></th>'
        for name, about in part["columns"].items()
    )
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_text(row[name])}</td>" for name in names) + "</tr>" for row in part["rows"]
    )
    purposes = "; ".join(f"{each['zh']} {each['en']}" for each in part.get("purposes", ()))
    purpose = f" 处理目的 Purpose: {_text(purposes)}." if purposes else ""
    basis = f" 处理依据 Legal basis: {_text(part['legal_basis'])}." if part["legal_basis"] else ""
    return f"""<h2>{_text(part["zh"])} <small>{_text(part["table"])}</small></h2>
<p>{_text(part["en"])}{purpose}{basis} 保存期限 Kept for {_text(part["kept_years"])} 年 years.</p>
<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table></div>"""


def _text(value: Any) -> str:
    return "" if value is None else escape(str(value), quote=True)
