"""The fault matrix: each kind of fault at the line's points, after each a plain retry, and what must be true then."""
