"""What a person sees of the object of a call: read when they are asked, and again before the approved call is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from clients.errors import NotFound
from clients.reads_only import reads_only
from engine.base.lazy_values import complete
from engine.compiler.definition.plan import Retry
from engine.plugins.step import Preview, StepType
from engine.runner.effects.job import Attempt, Job, Remarks

if TYPE_CHECKING:
    from engine.runner.effects.reading import AccountReads

_SECONDS = 10.0
"""How long a question waits for each of two attempts to read the object."""


class ShownPreview(NamedTuple):
    """What a person is shown; nothing if the arguments say it all."""

    preview: Preview | None = None
    unreadable: str = ""
    """Why the object could not be read."""


class WritePreviews:
    """Reads what calls would do, where nothing can be written (clients/reads_only.py); on the engine's loop."""

    def __init__(self, reads: AccountReads, clock: Callable[[], datetime]) -> None:
        self._reads, self._clock = reads, clock

    async def of(self, job: Job) -> ShownPreview:
        """Return what to show in a question. Whatever goes wrong, the question is asked: then it says what did."""
        retry = Retry(attempts=2, backoff_seconds=0.5)
        quick = replace(job, timeout_seconds=_SECONDS, retry=retry, failed_before=0, on_attempt=_unreported)
        try:
            return ShownPreview(await self._read(quick))
        except Exception as error:  # noqa: BLE001 - also of step types that are not ours
            return ShownPreview(unreadable=str(error) or type(error).__name__)

    async def again(self, job: Job) -> ShownPreview:
        """Return what the question would show now. Raises ServiceError, as the call itself would."""
        try:
            return ShownPreview(await self._read(job))
        except NotFound as error:
            return ShownPreview(unreadable=error.message)

    async def _read(self, job: Job) -> Preview | None:
        kind = job.step_type
        if job.account is None or type(kind).preview is StepType.preview:
            return None
        guarded = replace(job, guard=reads_only)
        found: Preview = await self._reads.ask(guarded, lambda: kind.preview(guarded.call(1, self._clock(), Remarks())))
        return found if _tells_more(found, job.arguments) else None


def _unreported(_: Attempt) -> None:
    """Keep a failed look out of the log: the question itself shows the error."""


def _tells_more(preview: Preview, arguments: Any) -> bool:
    """Return whether a preview shows more than the arguments: an object, or an address that was looked up."""
    if preview.before is not None or preview.object:
        return True
    told = list(_texts(complete(arguments)))
    lines = (line.partition(": ")[2] or line for line in preview.text.splitlines())
    return any(not any(part in one for one in told) for line in lines for part in line.split(", "))


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
