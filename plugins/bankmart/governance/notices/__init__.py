"""Notices: a red gate, a missed deadline, an expired tag, a drift, told to people by webhook and by mail."""

from __future__ import annotations

from bankmart.governance.notices.outbox import tell

__all__ = ["tell"]
