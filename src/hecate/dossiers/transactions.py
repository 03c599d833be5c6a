"""Transactions of many units of work: each unit is undone alone, or all of them together."""

from __future__ import annotations

from collections.abc import Callable

import apsw
import structlog

from hecate.dossiers.errors import HecateError, Unavailable

Unit = Callable[[apsw.Connection], object]
"""A function of the connection; what it gives or raises is its caller's."""

DISK_IS_FULL = "the disk is full"

log = structlog.get_logger(__name__)


class Transactions:
    """One transaction after the other on *connection*; for one thread at a time.

    Args:
        connection: Open, in autocommit mode.
        after_commit: Called when a transaction is durable.
        after_undo: Called when a unit failed half-way or a transaction was undone: caches
            must forget.  Not for a `HecateError` that a unit raises before it writes.
    """

    def __init__(
        self, connection: apsw.Connection, *, after_commit: Callable[[], None], after_undo: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._after_commit = after_commit
        self._after_undo = after_undo
        self.doubt = ""
        """Why nothing is written any more; empty while all is well."""
        self.is_out_of_room = False
        """Whether the disk was full at the last attempt."""
        self._committing = False
        self._changes = 0
        self._logged = ""

    def begin(self) -> None:
        """Begin a transaction.

        Raises:
            Unavailable: The store is in doubt.
            apsw.BusyError: Another program is writing.
        """
        if self.doubt:
            raise Unavailable(f"nothing can be recorded: {self.doubt}")
        self._committing = False
        self._connection.execute("BEGIN IMMEDIATE")
        self._changes = self._connection.total_changes()

    def run(self, unit: Unit) -> object:
        """Run *unit* and return what it gives, or the exception that it raised and that undid it.

        Raises:
            apsw.Error: The disk refuses; `abandon` must follow.
        """
        execute = self._connection.execute
        rows_changed = self._connection.total_changes()
        execute("SAVEPOINT unit")
        try:
            result = unit(self._connection)
        except (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError):
            raise
        except Exception as error:  # noqa: BLE001 - an outer edge: it goes to the caller, as it is
            execute("ROLLBACK TO unit")
            execute("RELEASE unit")
            if not isinstance(error, HecateError) or self._connection.total_changes() != rows_changed:
                self._after_undo()
            # A refusal's place in our code is of no use to its caller, and its frames are the collector's work.
            return error.with_traceback(None) if isinstance(error, HecateError) else error
        execute("RELEASE unit")
        return result

    def commit(self) -> None:
        """Make the transaction durable.

        Raises:
            apsw.Error: The disk refuses; `abandon` must follow.
        """
        self._committing = True
        self._connection.execute("COMMIT")
        if self._connection.total_changes() != self._changes:
            self.is_out_of_room, self._logged = False, ""
        self._after_commit()

    def abandon(self, error: Exception) -> Callable[[], Unavailable]:
        """Undo the transaction; return what makes the refusal for each of those who were in it."""
        # Once for all that comes of it: callers try again as often as they like, and the log may be on the full disk.
        if self._logged != (said := repr(error)):
            self._logged = said
            log.error("transaction abandoned", error=said)
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as failure:
            error = failure
        self._after_undo()
        outcome = "nothing was recorded"
        if isinstance(error, apsw.FullError):
            reason, self.is_out_of_room = DISK_IS_FULL, True
        elif isinstance(error, apsw.BusyError):
            reason = "another program is writing to the store"
        else:
            # After a failed write or sync nobody knows what the disk holds: a restart reads it anew.
            reason = f"the store is in doubt since an error ({error}); restart the daemon"
            self.doubt = reason
            if self._committing:
                outcome = "it is not known whether this was recorded"
        return lambda: Unavailable(f"{outcome}: {reason}")
