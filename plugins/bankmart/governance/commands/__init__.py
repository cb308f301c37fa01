"""Commands of governance: what its tasks run, for people to type."""
