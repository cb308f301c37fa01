"""The root of the errors that are meant for people: the command line prints them without a traceback."""

from __future__ import annotations


class BankmartError(RuntimeError):
    """Something a person can act on: what happened, what it means, what to do."""

    # Whether people were told of it before it was raised: then a failed task says nothing more.
    is_told = False
