"""The five steps of the first run as people see them: what is chosen, what is there already, what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Literal, TypedDict

from clients.check_line import CheckLine
from clients.wording import did_you_mean, listed
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.services import client_class, has_stand_in, is_stand_in, services
from engine.base.statuses import AccountMode
from engine.connections.statuses import ConnectionStatus
from engine.first_run.first_workflow import FirstChoices, parts
from engine.first_run.progress import CHOSEN, FirstRunProgress, StepId
from engine.runs.planning.plan_documents import PlanRow

NONE, DEMO = "none", "demo"
_MOST_MEANT = 3
TITLES: Mapping[StepId, str] = {
    "mailbox": "Choose a mailbox",
    "model": "Choose a model",
    "tasks": "Choose where tasks go",
    "plan": "Plan a run on your last mails",
    "start": "Apply it, or let new mail start it",
}
_WITHOUT: Mapping[StepId, str] = {
    "model": "No model: every mail counts as a task.",
    "tasks": "Nowhere: mails that call for something are marked in the mailbox.",
}


StepState = Literal["open", "done", "skipped", "failed"]


class FirstRunStep(TypedDict):
    """One of the five steps."""

    id: StepId
    title: str
    state: StepState
    """`done`, `open`, `skipped`, or `failed`: chosen, but the check found something wrong."""
    sentence: str
    choice: str
    """A service, `demo`, `none`, or "" as long as nothing is chosen."""
    choices: list[str]
    connection: str | None
    """The connection that is used, or that has to be set up."""
    lines: list[CheckLine]
    """What the check found, if something is wrong."""


class FirstRunState(TypedDict):
    """How far the first run is."""

    steps: list[FirstRunStep]
    is_finished: bool
    """Whether every step is done or skipped."""
    workflow: str
    """Its name; "" before it is written."""
    target: str
    plan: PlanRow | None
    """The newest plan of it, with the accounts that are used now."""


def checked_step(step: str, allowed: tuple[StepId, ...]) -> StepId:
    """Return the step. Raises UnknownName."""
    for one in allowed:
        if one == step:
            return one
    raise UnknownName("step", step, allowed, remedy=f"Name one of {listed(list(allowed))}.")


def options(step: StepId) -> list[str]:
    """Return what can be chosen in a step."""
    if step == "mailbox":
        return [*sorted(parts("mailboxes"), key=lambda one: client_class(one).sign_in_way is not None), DEMO]
    if step == "model":
        return [*(one.name for one in services() if one.is_model), NONE]
    return [*parts("tasks"), NONE]


def first_connection(service: str, known: list[ConnectionStatus]) -> ConnectionStatus | None:
    """Return the connection to a service, a ready one first."""
    found = sorted((one for one in known if one.service == service), key=lambda one: not one.own_key_found)
    return next(iter(found), None)


def connection_of(step: StepId, choice: str, known: list[ConnectionStatus]) -> ConnectionStatus:
    """Return the connection that a choice uses. Raises InvalidInput if the workspace has no such connection."""
    service = next(one for one in parts("mailboxes") if has_stand_in(one)) if choice == DEMO else choice
    status = first_connection(service, known)
    if status is None:
        raise InvalidInput(
            f"There is no connection to {service} yet.",
            remedy=f"`orchestra connections add {service}` adds one; then choose it.",
            field=step,
        )
    return status


def used_connection(step: StepId, progress: FirstRunProgress, known: list[ConnectionStatus]) -> ConnectionStatus | None:
    """Return the connection that a step uses: the chosen one, or an own account that is there already."""
    choice = progress.chosen.get(step, "")
    if choice == NONE:
        return None
    if choice:
        with suppress(OrchestraError):
            return connection_of(step, choice, known)
        return None
    own = [one for one in known if one.mode == AccountMode.MINE and one.ready and one.trouble is None]
    return next((one for one in own if one.service in options(step)), None)


def is_on_demo(progress: FirstRunProgress, known: list[ConnectionStatus]) -> bool:
    """Return whether the mails come from the demo."""
    status = used_connection("mailbox", progress, known)
    status = status or next((one for one in known if one.service in parts("mailboxes")), None)
    return status is None or status.mode == AccountMode.DEMO


def choices_of(progress: FirstRunProgress, known: list[ConnectionStatus]) -> FirstChoices:
    """Return what the workflow uses; a skipped mailbox is the first one there is."""
    mailbox = used_connection("mailbox", progress, known) or next(
        (one for one in known if one.service in parts("mailboxes") and one.ready), None
    )
    if mailbox is None:
        raise InvalidInput(
            "There is no mailbox to read yet.",
            remedy="`orchestra start mailbox` names one; `orchestra start --demo` tries it on the demo.",
        )
    model = None if "model" in progress.skipped else used_connection("model", progress, known)
    tasks = None if "tasks" in progress.skipped or not progress.target else used_connection("tasks", progress, known)
    used = [one for one in (mailbox, model, tasks) if one is not None]
    models = [one for one in known if _is_model(one)]
    several = {one.service: one.name for one in used if sum(other.service == one.service for other in known) > 1}
    if model is not None and len(models) > 1:
        several[model.service] = model.name
    return FirstChoices(
        mailbox=mailbox.service,
        model=model.service if model else "",
        tasks=tasks.service if tasks else "",
        target=progress.target,
        connections=several,
    )


def _is_model(status: ConnectionStatus) -> bool:
    return status.service in options("model")


def chosen_step(
    step: StepId, progress: FirstRunProgress, known: list[ConnectionStatus], *, is_planned: bool
) -> FirstRunStep:
    """Return one of the first three steps; one without a choice is done once there is a plan: it is left out there."""
    choice, status = progress.chosen.get(step, ""), used_connection(step, progress, known)
    lines = progress.failed.get(step, [])
    state: StepState = "open"
    sentence = ""
    if choice == NONE:
        state, sentence = "done", _WITHOUT[step]
    elif lines:
        state, sentence = "failed", next(line.text for line in lines if not line.ok)
    elif step in _WITHOUT and not choice and (status is None or step == "tasks"):
        state = "done" if is_planned and step not in progress.skipped else "open"
        sentence = _WITHOUT[step]
    elif choice and status is not None and status.trouble is not None:
        state, sentence = "failed", status.trouble.sentence
    elif status is not None and (step != "tasks" or progress.target):
        is_done = status.ready and _fits(choice, status, progress, known)
        state, sentence = ("done", _sentence(step, status, progress)) if is_done else ("open", "")
    if state == "open" and step in progress.skipped:
        state = "skipped"
    shown = choice or (status.service if status else "")
    connection = status.name if status else None
    return _step(step, state, sentence, choice=shown, connection=connection, lines=lines)


def _fits(choice: str, status: ConnectionStatus, progress: FirstRunProgress, known: list[ConnectionStatus]) -> bool:
    """Return whether the account in use is still the chosen one; a command without --demo uses others."""
    is_demo = progress.chosen.get("mailbox") == DEMO
    if choice == DEMO or is_demo:
        return status.mode == AccountMode.DEMO
    return status.mode == AccountMode.MINE or is_on_demo(progress, known)


def _sentence(step: StepId, status: ConnectionStatus, progress: FirstRunProgress) -> str:
    who = "the demo" if is_stand_in(status.service, status.mode) else status.account or "your own account"
    to = f", to {progress.target}" if step == "tasks" else ""
    return f"{status.name}: {who}{to}."


def plan_step(progress: FirstRunProgress, plan: PlanRow | None) -> FirstRunStep:
    """Return the step that plans; `plan` is the newest one."""
    is_done = plan is not None and plan["state"] in ("open", "applied")
    state: StepState = "done" if is_done else "skipped" if "plan" in progress.skipped else "open"
    sentence = "Mails are read and a model is asked, nothing is written."
    return _step("plan", state, plan["sentence"] if plan else sentence)


def start_step(progress: FirstRunProgress, plan: PlanRow | None, *, is_on: bool) -> FirstRunStep:
    """Return the last step; `is_on`: whether new mail starts runs."""
    is_applied = plan is not None and plan["state"] == "applied"
    state: StepState = "done" if is_applied or is_on else "skipped" if "start" in progress.skipped else "open"
    said = ["The plan was applied."] * is_applied + ["Each new mail starts a run."] * is_on
    return _step("start", state, " ".join(said))


def _step(
    step: StepId,
    state: StepState,
    sentence: str,
    *,
    choice: str = "",
    connection: str | None = None,
    lines: list[CheckLine] | None = None,
) -> FirstRunStep:
    return {
        "id": step,
        "title": TITLES[step],
        "state": state,
        "sentence": sentence,
        "choice": choice,
        "choices": options(step) if step in CHOSEN else [],
        "connection": connection,
        "lines": lines or [],
    }


def meant(name: str, known: list[str]) -> str:
    """Return which names were probably meant: those that contain the last part of this one, or else the nearest."""
    last = name.rpartition("/")[2].casefold()
    within = [one for one in known if last and last in one.casefold()][:_MOST_MEANT]
    if within:
        return f"Did you mean {' or '.join(map(repr, within))}?"
    return did_you_mean(name, known) or "Let the account see one, then choose again."


def key_remedy(status: ConnectionStatus) -> str:
    """Return how to get a missing key."""
    given = f"`orchestra connections add {status.service}`"
    return status.note or f"{given} takes one; then choose it again."


def again_remedy(step: StepId, status: ConnectionStatus) -> str:
    """Return how to go on after a failed check."""
    return (
        f"Mend that, then `orchestra start {step} {status.service}` checks it again; or `orchestra start skip {step}`."
    )
