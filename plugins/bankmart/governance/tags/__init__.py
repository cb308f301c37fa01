"""The life of tags: a registry, a ledger of definitions, history, monitoring."""
