"""The audit chain: who did what to what, in entries that can only be added and each of which seals the one before."""

from __future__ import annotations

from bankmart.governance.audit.chain import Said, append, append_once, attempt

__all__ = ["Said", "append", "append_once", "attempt"]
