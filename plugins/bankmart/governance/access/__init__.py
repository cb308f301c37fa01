"""Who reads what: readers, their views and grants, and the proof that the database gives nobody more."""
