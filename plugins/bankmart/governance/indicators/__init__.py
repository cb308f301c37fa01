"""Indicators: how a family is declared, what is wrong with one, and the wide table that is made of all."""
