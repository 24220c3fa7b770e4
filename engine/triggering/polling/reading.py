"""Reads the items that a poll has listed; an unreadable item does not hold up the others.

A read fails in one of three ways:

- The item is permanently at fault: it has been deleted, it is not text, reading it breaks the program. It is left out
  or dead.
- The whole service is: it asks to wait, refuses the account, or no item can be read. The poll fails and nothing moves.
  The same happens if nobody has agreed to what a run would touch.
- Only this item fails while others can be read. It is stored as `failing`, read again in each of the next polls, and
  dead after `ATTEMPTS` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from clients.errors import AuthError, RateLimited, ServiceError, Unavailable
from engine.base.errors import ConfirmationNeeded
from engine.plugins.trigger import Item
from engine.triggering.polling.mapping import error_of
from engine.triggering.polling.prepared import Prepared, short_title

ATTEMPTS = 5
"""After so many failed polls an item is dead, if others could be read."""
MOST_FAILING = 10
"""Most failing items to read again in one poll: each may take its full timeout."""
IN_A_ROW = 3
"""After so many failed reads in a row, without a success before, the whole service is considered down."""
_PATIENT_LOOKS = 3
"""Polls that may fail because nothing could be read; then each item is judged on its own."""


class PollStopped(ServiceError):
    """A poll is interrupted because the engine stops; what was stored before counts."""


class PollReading(Struct):
    """The reads of one poll. `before`: in how many polls each failing item could not be read."""

    prepare: Callable[[Item], Prepared]
    is_stopped: Callable[[], bool]
    before: Mapping[str, int]
    failed_looks: int
    has_read: bool = False
    _in_a_row: int = 0

    def piece(self, fresh: Sequence[Item]) -> tuple[list[Prepared], ServiceError | ConfirmationNeeded | None]:
        """Prepare items in order: (what to store, why the poll is interrupted or None).

        Failed items are part of the first once any item could be read, or if enough polls have failed.
        """
        done: list[Prepared] = []
        held: list[Prepared] = []
        failure: ServiceError | None = None
        for item in fresh:
            if self.is_stopped():
                return done, PollStopped("The engine is stopping.")
            try:
                done.append(self.prepare(item))
                self.has_read, self._in_a_row = True, 0
            except (AuthError, RateLimited, ConfirmationNeeded) as error:  # every further item would fail the same way
                return done, error
            except (ServiceError, OSError) as error:
                known = item.id in self.before
                (done if known else held).append(self._failed(item, error))
                failure = failure if known else _as_service_error(error)
                self._in_a_row += not known
                if failure is not None and self._is_service_down():
                    return done, failure
        if held and not self._is_about_things():
            return done, failure
        return [*done, *held], None

    def _failed(self, item: Item, error: Exception) -> Prepared:
        attempts = (self.before.get(item.id, 0) + 1) % ATTEMPTS  # 0 after the last one: dead
        return Prepared(replace(item, value=None), error=error_of(error), attempts=attempts)

    def _is_about_things(self) -> bool:
        return self.has_read or self.failed_looks >= _PATIENT_LOOKS

    def _is_service_down(self) -> bool:
        return self._in_a_row >= (MOST_FAILING if self._is_about_things() else IN_A_ROW)


def note_on(failing: Sequence[Prepared]) -> str:
    """Return the note about items that will be read again later; empty without such items."""
    if not failing:
        return ""
    error = failing[0].error or {}
    more = f" and {len(failing) - 1} more" if len(failing) > 1 else ""
    return (
        f"Could not be read yet, and is tried again: {short_title(failing[0].item)!r}{more} ({error.get('message')})."
    )


def _as_service_error(error: ServiceError | OSError) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    return Unavailable(f"This machine refused: {error.strerror or error}.", remedy="Check disk space and limits.")
