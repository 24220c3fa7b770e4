"""What a call is, and its attempts: how often, how long each may take, and how long to wait before the next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clients.deadline import deadline
from clients.errors import ServiceError
from clients.sent import counted_sends
from engine.compiler.plan import Retry
from engine.connections.accounts import Account
from engine.expressions.deferred import complete
from engine.runner.ledger import Write
from engine.runner.live import Watch
from engine.runner.outside_values import plain_json
from engine.runner.run_files import RunFiles
from engine.step import Call, Effect, Repeat, StepType, Usage

_DEFAULT_RETRY = Retry(attempts=3, backoff_seconds=1.0)
_LONGEST_BACKOFF = 60.0


@dataclass(frozen=True)
class Attempt:
    """One failed attempt."""

    started_at: datetime
    ended_at: datetime
    error: Exception


@dataclass
class Job:
    """A call to be made."""

    step_type: StepType
    make_fields: Callable[[], Any]
    """Gives the fields of the call; where their values lie in files it reads them each time: none is kept."""
    effect: Effect
    repeat: Repeat | None
    retry: Retry | None
    timeout_seconds: float
    account: Account | None
    prompts: Mapping[str, Any]
    render: Callable[[Any, Mapping[str, Any]], list[dict[str, str]]]
    on_attempt: Callable[[Attempt], None]
    files: RunFiles
    write: Write | None = None
    receipts: str = "reuse"
    """What to do with the receipt of the same write: `reuse` it, or `update` what was made (docs/files.md: Run)."""
    may_be_out: bool = False
    """Whether the service may have got the write, so that its intent must stay in the ledger."""
    settled: Done | None = None
    """What the write gave after its step had been broken off; it was waited for."""
    replayed: Done | None = None
    """The answer that an earlier run got to the same question; nothing is asked then."""
    began_at: datetime | None = None
    """When the latest attempt began."""
    failed_before: int = 0
    """The attempts that failed before the service asked to wait: they count on."""
    watch: Watch | None = None
    """Where people see the answer come; None where nobody can look."""
    usage: Usage = field(default_factory=Usage)
    request: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> Any:
        """The fields of the call. Raises InvalidFile where a value that lies in a file is gone."""
        return self.make_fields()

    def call(self, number: int, started_at: datetime, intended_at: datetime | None = None) -> Call:
        """Return what the step gets for one attempt; number 0 is a look-up."""
        return Call(
            fields=self.fields,
            client=self.account.client if self.account else None,
            marker=self.write.marker if self.write else "",
            intended_at=intended_at,
            attempt=number,
            started_at=started_at,
            prompts=self.prompts,
            render=self.render,
            usage=self.usage,
            request=self.request,
            read=self.files.read,
            on_text=self.watch.attempt() if self.watch is not None else None,
        )

    def plain(self, result: Any) -> Any:
        """Return what a step gave as JSON, with its files kept in the run. Blocking. Raises BadAnswer, StorageError."""
        return plain_json(result, self.files.kept)


def fields_of(step_type: StepType, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    """Return what gives the fields of a call. Raises ValidationError where the arguments do not fit."""

    def loaded() -> dict[str, Any]:
        return {name: one if name in step_type.hands_on else complete(one) for name, one in arguments.items()}

    def made() -> Any:
        return step_type.fields.model_validate(loaded())

    given = loaded()
    fields = step_type.fields.model_validate(given)
    return made if any(given[name] is not one for name, one in arguments.items()) else lambda: fields


@dataclass(frozen=True)
class Done:
    """How a call ended well."""

    output: Any
    effect: dict[str, Any] | None = None


class Attempts:
    """Counts the failed attempts of one call, reports each, and waits before the next."""

    def __init__(self, job: Job, clock: Callable[[], datetime]) -> None:
        self._job, self._clock = job, clock
        self._failed = job.failed_before
        self._started_at = clock()

    def begin(self) -> int:
        """Start an attempt; return its number, from 1."""
        self._started_at = self._job.began_at = self._clock()
        return self._failed + 1

    def failed(self, error: Exception) -> None:
        """Report that the attempt that runs has failed."""
        self._failed += 1
        self._job.on_attempt(Attempt(self._started_at, self._clock(), error))

    def may_follow(self, error: ServiceError) -> bool:
        """Tell whether there is another attempt after this error."""
        retry = self._job.retry or _DEFAULT_RETRY
        return self._failed < retry.attempts and _is_retryable(self._job, error) and _fits(self._job, error)

    async def pause(self, error: ServiceError) -> None:
        """Wait as long as the service asks for, else as the step says."""
        await asyncio.sleep(_backoff(self._job.retry or _DEFAULT_RETRY, self._failed, error))


def started(job: Job, work: Callable[[], Any]) -> asyncio.Future[Any]:
    """Start blocking work in a thread of the account; whatever it sends ends within the job's time."""
    assert job.account is not None
    return job.account.workers.run(lambda: _timed(job.timeout_seconds, work))


def _timed(seconds: float, work: Callable[[], Any]) -> Any:
    with deadline(seconds), counted_sends():
        return work()


def _is_retryable(job: Job, error: ServiceError) -> bool:
    also = job.retry.also if job.retry else frozenset()
    return error.retryable or type(error).__name__ in also


def _fits(job: Job, error: ServiceError) -> bool:
    """Tell whether the wait that the service asks for is no longer than the step's time."""
    return error.retry_after_seconds is None or error.retry_after_seconds <= job.timeout_seconds


def _backoff(retry: Retry, number: int, error: ServiceError) -> float:
    """Return the seconds to wait: what the service asks for, else doubling with up to a quarter of jitter."""
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    longest = max(_LONGEST_BACKOFF, retry.backoff_seconds)
    wait: float = min(retry.backoff_seconds * 2 ** (number - 1), longest)
    return wait * random.uniform(1.0, 1.25)  # noqa: S311 - spreads load, guards nothing
