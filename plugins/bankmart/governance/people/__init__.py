"""What the bank owes the people it knows: keep their data no longer than it may, forget them, tell them what it holds."""
