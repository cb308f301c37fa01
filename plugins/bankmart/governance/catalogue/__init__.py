"""The catalogue: every published column, indicator and tag, what it is made of and who uses it."""

from bankmart.governance.catalogue.refresh import refresh

__all__ = ["refresh"]
