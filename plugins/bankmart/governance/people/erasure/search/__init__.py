"""Looking for what is left of a person: in tables, in the files that the server keeps them in, in all other files."""
