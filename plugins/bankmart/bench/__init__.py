"""Benchmarks: what each step costs, measured on a server of their own and printed as tables."""
