"""`triggers hooks`, `key`, `deliveries`, `send-again` and `inputs`: webhooks and what was delivered to them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import looked_at, opened
from commands.trigger_looks import Trigger, Workflow, openness
from commands.triggers import MaybeWorkflow

if TYPE_CHECKING:
    from engine.hooks.deliveries import DeliveryBody, HookDelivery

DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="The id of the delivery.")]
_KEYS = {"": "needs no key", "kept": "its key is kept", "given": "its key is given", "missing": "its key is missing"}


def hooks(
    workflow: MaybeWorkflow = None, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """List webhooks with their addresses, how deliveries are checked, and whether their keys are there."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.hooks.list(session.principal, workflow)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"hooks": found})
    for one in () if as_json else found:
        say(f"{one.workflow} / {one.trigger}: {one.verify}, {_KEYS[one.key]} ({openness(one)})")
        last = f"the last {local_time(one.last_at, zone)}; " if one.last_at else ""
        say(f"  {one.url}")
        say(f"  {last}{one.waiting} waiting")
        if one.warning:
            note(f"  {one.warning}")
    if not found and not as_json:
        say("No workflow has a webhook.")
    return DONE


def key(
    workflow: Workflow,
    trigger: Trigger,
    show: Annotated[bool, typer.Option("--show", help="Print the key that is kept, instead of setting it.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Set the key of a webhook: it is asked for, or read from standard input, and kept encrypted."""
    with opened(workspace, demo=demo) as session:
        area, p = session.orchestra.hooks, session.principal
        if show:
            found = area.key(p, workflow, trigger)
            document({"key": found}) if as_json else say(found or "There is no key yet.")
            return DONE
        given = typer.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        status = area.set_key(p, workflow, trigger, given.strip())
    document(status) if as_json else say("The key is kept.")
    return DONE


def deliveries(
    workflow: Workflow,
    trigger: Trigger,
    show: Annotated[str, typer.Option("--show", metavar="DELIVERY", help="Print what this one said.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the newest deliveries, also those that were refused, with what became of each."""
    with looked_at(workspace, demo=demo) as session:
        area, p = session.orchestra.hooks, session.principal
        zone = session.orchestra.config.time_zone
        if show:
            _tell(area.delivery(p, workflow, trigger, show), as_json=as_json)
            return DONE
        found = area.deliveries(p, workflow, trigger)
    if as_json:
        document({"deliveries": found})
    elif found:
        rows = [[one.id, local_time(one.at, zone), one.verdict, _outcome(one), str(one.bytes)] for one in found]
        table(["DELIVERY", "TIME", "VERDICT", "RUN", "BYTES"], rows)
    else:
        say("Nothing was delivered yet.")
    return DONE


def _outcome(one: HookDelivery) -> str:
    return one.run_id or one.message or one.state


def _tell(found: DeliveryBody, *, as_json: bool) -> None:
    if as_json:
        document(found)
        return
    for name, text in found.headers.items():
        say(f"{name}: {text}")
    for name in found.files:
        say(f"File: {name}")
    say(found.body)
    if found.is_cut:
        note("The rest is left out.")


def send_again(
    workflow: Workflow,
    trigger: Trigger,
    delivery: DeliveryId,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Start another run with an accepted delivery, as if it had come again."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.hooks.send_again(session.principal, workflow, trigger, delivery)
    document(found) if as_json else say(f"It waits for its run as {found.id}.")
    return DONE


def inputs(
    workflow: Workflow,
    trigger: Trigger,
    delivery: DeliveryId,
    write: Annotated[bool, typer.Option("--write", help="Put them into the file of the workflow.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Make the inputs of the workflow from what a delivery said; without --write, only show them."""
    with opened(workspace, demo=demo) as session:
        orchestra, p = session.orchestra, session.principal
        made = orchestra.hooks.inputs(p, workflow, trigger, delivery)
        if write:
            file = orchestra.workflows.get(p, workflow)
            text = orchestra.editing.applied_to(workflow, file.text, made.operations).text
            orchestra.workflows.save(p, workflow, text, file.etag)
    if as_json:
        document(made)
        return DONE
    table(["INPUT", "GETS"], [[name, text] for name, text in made.mapping.items()])
    for name in made.left_out:
        note(f"Left out: {name}")
    say("The file is saved." if write else "Nothing is changed: --write puts them into the file.")
    return DONE
