"""Turn a trigger on. The first poll is made right away, so that items arriving before the next one are not lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.errors import AuthError
from engine.base.clock import timestamp
from engine.base.errors import InvalidInput
from engine.base.statuses import AccountMode
from engine.people.access import Principal
from engine.plugins.trigger import Found, Look, Start
from engine.store.triggering.triggers import TriggerStore, TurnedOn
from engine.triggering.polling.poll import TriggerPolls, listed, place
from engine.triggering.polling.prepared import Prepared
from engine.triggering.polling.starts import needs_start, start_of, start_text

if TYPE_CHECKING:
    from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver, Watched

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CHOICES = {"now": "`--from now`", "last": "`--last N`", "since": "`--since DATE`"}


class Activation(Struct, frozen=True):
    """Turns triggers on; any thread, in any process."""

    rows: TriggerStore
    looks: TriggerPolls
    resolver: TriggerResolver

    def begin(self, p: Principal, watched: Watched, start: Start | None) -> None:
        """Turn a trigger on with `start`, or with None from where it left off.

        Raises ConfirmationNeeded, InvalidInput (a first start must be chosen), StorageError, ServiceError; after an
        error the trigger stays off.
        """
        self.resolver.agree(p, watched.named)
        row = self.rows.get(watched.key)
        if start is None and (row is None or needs_start(row)):
            start = _only_start(watched.named)
        has_place = start is None and row is not None and row.cursor is not None
        begun = start if start is not None else start_of(row.start) if row is not None else Start()
        look = self.looks.made(watched, None, begun)
        found = None if has_place else self._found(watched, look)
        named = watched.named
        on = TurnedOn(
            start_text(begun), named.trigger.kind.name, named.mode == AccountMode.DEMO, p.id, timestamp(look.now)
        )
        if found is None:
            self.rows.go_on(watched.key, on)
        else:
            self._store(watched, on, look, found)

    def _found(self, watched: Watched, look: Look) -> Found:
        """Make the first poll. Raises ServiceError."""
        try:
            return listed(watched.named.trigger.kind, look)
        except AuthError as error:
            self.resolver.refused(watched, error)
            raise

    def _store(self, watched: Watched, on: TurnedOn, look: Look, found: Found) -> None:
        """Store in one transaction where the first poll ended and which items do not count."""
        left_out = {item.id: item for item in found.items if item.skip}
        values = place(watched, look, found, [], None)
        records = [Prepared(one).record(watched.key, look.now) for one in left_out.values()]
        self.looks.acceptances.begin(watched.key, on, values, records)


def require_choice(named: NamedTrigger, start: Start | None, now: datetime) -> None:
    """Check that the type offers this start and that it makes sense. Raises InvalidInput."""
    if start is None:
        return
    kind = named.trigger.kind
    choice = "now" if start.is_now else "last" if start.last is not None else "since"
    if choice not in kind.start_from:
        offered = ", ".join(_CHOICES[one] for one in kind.start_from)
        raise InvalidInput(f"{kind.name} cannot begin with {_CHOICES[choice]}.", remedy=f"It offers {offered}.")
    if start.last is not None and start.since is not None:
        raise InvalidInput("Give either `last` or `since`, not both.")
    if start.last is not None and start.last < 1:
        raise InvalidInput("`last` must be at least 1.")
    if start.since is not None and start.since < _OLDEST:
        raise InvalidInput("The start must be in 1970 or later.")
    if start.since is not None and start.since > now:
        raise InvalidInput("That time is still to come.", remedy="Give a time in the past.")


def _only_start(named: NamedTrigger) -> Start:
    """Return the start if the type offers only one. Raises InvalidInput for others: a person must choose."""
    kind = named.trigger.kind
    if kind.start_from != ("now",):
        offered = ", ".join(_CHOICES[one] for one in kind.start_from)
        said = "This trigger has never been on: choose which items count as new."
        raise InvalidInput(said, remedy=f"Choose {offered}.")
    return Start()
