"""The commands that start, stop, show and forget the servers of this checkout."""
