"""Grades of data: what a class says, how a grade travels to what is made of a column, and what may lower it."""

from bankmart.governance.grades.rules import findings, undeclared

__all__ = ["findings", "undeclared"]
