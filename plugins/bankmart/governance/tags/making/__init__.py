"""A new tag: what is asked for, its pair of files, how it looks on a sample."""
