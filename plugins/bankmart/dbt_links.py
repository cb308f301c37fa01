"""dbt's connections to the warehouse, kept from one model or check to the next."""

from __future__ import annotations

from typing import Any

from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter


class KeptConnections(PostgresConnectionManager):
    """Hands a connection that a model or check is done with to the next one.

    dbt opens one for each of them, hundreds a build: a login and a server process that knows no table yet.
    """

    _idle: list[Any] = []

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Give `connection` an idle handle, or a new one."""
        while cls._idle and connection.state != ConnectionState.OPEN:
            try:
                handle = cls._idle.pop()
            except IndexError:
                # Another thread has taken it.
                break
            if not handle.closed:
                connection.handle, connection.state = handle, ConnectionState.OPEN
        return super().open(connection)

    @classmethod
    def _close_handle(cls, connection: Connection) -> None:
        handle = connection.handle
        # Whatever is left of a transaction ends here; one that broke is not handed on.
        try:
            handle.rollback()
        except Exception:  # noqa: BLE001 - the server is gone, or the handle is
            super()._close_handle(connection)
            return
        cls._idle.append(handle)

    def cleanup_all(self) -> None:
        """Close all: the run is over."""
        super().cleanup_all()
        while self._idle:
            self._idle.pop().close()


def keep() -> None:
    """Let dbt keep its connections, in this process, and not ask what hangs on what."""
    PostgresAdapter.ConnectionManager = KeptConnections
    # Up to a second a run, for relations that are dropped with others: our materializations drop none.
    PostgresAdapter._link_cached_relations = lambda self, manifest: None
