"""Tell a broker how the runs of messages go: what is due is read from the state, so that no status is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field, structs

from engine.base.json_text import compact
from engine.base.statuses import RunStatus
from engine.ingress.orders import Accepted
from engine.store.runs import RunFilter, RunStore
from engine.store.settings import Settings
from engine.store.triggering.triggered_runs import TriggeredRuns

_POSITION = "ingress.status"
_AT_ONCE = 500  # rows of one query
_UNDER_WAY = (RunStatus.RUNNING, RunStatus.WAITING)


class Status(Struct, frozen=True):
    """The status of a run at some time."""

    run_id: str
    workflow: str
    status: str
    at: str | None = None
    """When it ended."""
    sentence: str = ""
    """How it ended."""
    idempotency_key: str | None = None
    """The key of the message that started it; only when it is queued."""

    @classmethod
    def queued(cls, accepted: Accepted) -> Status:
        """Return the status of a run that a message has just started."""
        return cls(accepted.run_id, accepted.workflow, RunStatus.QUEUED, idempotency_key=accepted.idempotency_key)

    def body(self) -> bytes:
        """Return the status as JSON, without members that are unknown."""
        return compact({name: value for name, value in structs.asdict(self).items() if value}).encode()


class Due(Struct, frozen=True):
    """Statuses to be sent, in order, and the position once all of them are."""

    statuses: Sequence[Status]
    position: int
    """The number of the last end among them."""
    under_way: Mapping[str, str]
    """The statuses of the open runs."""


class Outbox(Struct):
    """The statuses of a user's runs that are still to be sent; one thread at a time.

    The end of a run is sent at least once: the position among all ends moves after it was sent. That a run runs or
    waits is sent only if it lasts long enough to be seen: a short one may have ended before.
    """

    runs: RunStore
    ended: TriggeredRuns
    settings: Settings
    user: str
    _told: Mapping[str, str] = field(default_factory=dict)
    """The status of each open run that was sent last."""

    def begin(self) -> None:
        """Begin with the next end, if no status of this user's runs was ever sent."""
        now = str(self.ended.last_end())
        self.settings.change(self._key, lambda known: known or now)

    def due(self) -> Due:
        """Return what is to be sent now. Raises StorageError."""
        ends = self.ended.ended_since(self._position() + 1, _AT_ONCE, demo=None)
        told = [
            Status(one["run_id"], one["workflow"], one["status"], one["ended_at"], one["sentence"])
            for one in ends
            if one["started_by"] == self.user
        ]
        under_way = list(self._under_way())
        changed = [one for one in under_way if self._told.get(one.run_id) != one.status]
        position = ends[-1]["end_number"] if ends else self._position()
        return Due([*changed, *told], position, {one.run_id: one.status for one in under_way})

    def sent(self, due: Due) -> None:
        """Note that all of it is with the broker. Raises StorageError."""
        self._told = due.under_way
        if due.position > self._position():
            self.settings.change(self._key, lambda known: str(max(int(known or 0), due.position)))

    @property
    def _key(self) -> str:
        return f"{_POSITION}.{self.user}"

    def _position(self) -> int:
        return int(self.settings.get(self._key) or 0)

    def _under_way(self) -> Iterator[Status]:
        wanted, before = RunFilter(statuses=_UNDER_WAY, started_by=self.user), None
        while page := self.runs.page(wanted, before, _AT_ONCE):
            yield from (Status(one.run_id, one.workflow, one.status) for one in page)
            before = page[-1].run_id
