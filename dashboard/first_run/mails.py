"""Choose what a step of the first run uses, and look at once at the mails that a plan would read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.page import Visit
from engine.base.errors import OrchestraError

if TYPE_CHECKING:
    from engine.first_run.progress import StepId
    from engine.first_run.steps import FirstRunState
    from engine.runs.starting.preview import RunPreview

_LOOKED = "first-run-preview"


def choose(visit: Visit, step: StepId, choice: str, target: str = "") -> FirstRunState:
    """Choose what a step uses; if the mailbox can be read, its last mails are looked at. Nothing is written there."""
    state = visit.orchestra.first_run.choose(visit.who, step, choice, target)
    forget_mails()
    if state["steps"][0]["state"] == "done":
        with suppress(OrchestraError, ServiceError):  # the button that looks again says why
            keep_mails(look_at_mails(visit))
    return state


def look_at_mails(visit: Visit) -> RunPreview:
    """Return the mails that a plan would read, the accounts and the cost."""
    name = visit.orchestra.first_run.write(visit.who)
    return visit.orchestra.preview(visit.who, name, {}, look=True)


def mails() -> RunPreview | None:
    """Return what was last looked at, if nothing was chosen or planned since."""
    found: RunPreview | None = session.draft(_LOOKED, None)
    return found


def keep_mails(found: RunPreview) -> None:
    """Keep what was looked at."""
    session.keep_draft(_LOOKED, found)


def forget_mails() -> None:
    """Forget what was looked at."""
    session.drop_draft(_LOOKED)
