"""`demo`: the stand-ins that implement the services' real APIs, and their contents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.wording import counted
from commands.base.agreeing import at_terminal
from commands.base.failures import DONE, Declined, Terminated
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, json_line, note, say, table
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.triggering.polling.status import TriggerStatus

group = typer.Typer(help="The demo services.", no_args_is_help=True, rich_markup_mode=None)

_LOOK_SECONDS = 0.5
_SHOWN = 10


@group.command()
def start(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Run the demo services alone, until Ctrl-C. If they are running already, show them and wait until they end."""
    from engine.connections.stand_ins import StandInProcess
    from engine.workspace import config
    from engine.workspace.workspace import Workspace as Files

    del demo  # these commands are always about the demo
    root = workspace or Path.cwd()
    stand_ins = StandInProcess(Files(root, config.load(root).config.state_dir).state_dir / "demo", is_user=False)
    try:
        endpoints = stand_ins.endpoints()
        if as_json:
            json_line(endpoints)
        else:
            services = {name: one for name, one in endpoints.items() if isinstance(one, dict)}
            table(
                ["SERVICE", "BASE URL", "TOKEN"],
                [[name, one["base_url"], one["token"]] for name, one in services.items()],
            )
            note("Press Ctrl-C to stop them.")
        while stand_ins.is_running():
            time.sleep(_LOOK_SECONDS)
    except Terminated:
        pass  # the normal way to end
    finally:
        stand_ins.close()
    return DONE


@group.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Restore the sample data, as a new account. Demo runs and receipts are removed, and demo triggers turned off."""
    del demo
    with opened(workspace, demo=True) as session:
        stand_ins, p = session.orchestra.demo, session.principal
        runs, triggers = stand_ins.count_runs(p), session.orchestra.triggers.of_demo(p)
        if not yes and at_terminal(as_json=as_json) and not _is_agreed(runs, triggers):
            raise Declined("Nothing was reset.")
        generation = stand_ins.reset(p)
    if as_json:
        account = f"demo-{generation}@example.com"
        turned_off = [{"workflow": one.workflow, "trigger": one.id} for one in triggers]
        document({"generation": generation, "account": account, "deleted_runs": runs, "turned_off": turned_off})
        return DONE
    say(f"The sample data is restored. The account is now demo-{generation}. {counted(runs, 'demo run')} deleted.")
    for one in triggers:
        again = f"`orchestra triggers on {one.workflow} {one.id} --demo --from now`"
        say(f"Turned off: {one.workflow} / {one.id}. {again} turns it on again.")
    return DONE


def _is_agreed(runs: int, triggers: Sequence[TriggerStatus]) -> bool:
    """Say what a reset deletes and turns off, and ask."""
    say(f"This deletes {counted(runs, 'demo run')} and everything that workflows made in the demo.")
    if triggers:
        say(f"It turns off {', '.join(f'{one.workflow} / {one.id}' for one in triggers)}.")
    return typer.confirm("Reset the demo?")


@group.command()
def show(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show the contents of the demo services, whether they run or not."""
    del demo
    with opened(workspace, demo=True) as session:
        shown = session.orchestra.demo.show(session.principal)
    if as_json:
        document(shown)
        return DONE
    for line in _summary(shown):
        say(line)
    return DONE


def _summary(shown: Mapping[str, Mapping[str, list[Any]]]) -> Iterator[str]:
    for service, collections in shown.items():
        counts = ", ".join(f"{len(entries)} {name}" for name, entries in collections.items())
        yield f"{service}: {counts}"
    issues = shown.get("github", {}).get("issues", [])
    pages = shown.get("notion", {}).get("pages", [])
    yield from _latest("issue", [f"#{one['number']} {one['title']}" for one in issues])
    yield from _latest("page", [_title(page) for page in pages])


def _latest(kind: str, titles: list[str]) -> Iterator[str]:
    for title in titles[-_SHOWN:]:
        yield f"  {kind} {title}"


def _title(page: Mapping[str, Any]) -> str:
    """Return the text of a Notion page's title property, whatever its name."""
    for one in page.get("properties", {}).values():
        if one.get("type") == "title":
            return "".join(part.get("plain_text", "") for part in one.get("title", []))
    return str(page.get("id", ""))
