"""Adapters: a real bank's files, turned into landing files that keep the source contract."""
