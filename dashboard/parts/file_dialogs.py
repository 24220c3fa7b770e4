"""The dialogs that copy, rename and delete workflows, prompts, fragments, agents and tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.base.names import usable_name
from engine.prompts.fragment_files import FragmentFiles
from engine.prompts.prompt_files import PromptFiles
from engine.tools.tools import Tools

if TYPE_CHECKING:
    from engine.agents.agents import Agents
    from engine.workflows.workflow_files import WorkflowFiles

NAME_HELP = N_("Lower-case letters, digits, '-' and '_'. It is the name of the file.")


@dataclass(frozen=True)
class OwnFileKind:
    """Workflows, prompts, fragments, agents or tools: the noun for one, and the part of the engine that has them.

    `word` is also the path of its page; `home` is the path of the page that lists them, with its tab if it has several,
    and `file` the place of their files.
    """

    word: str
    area: Callable[[Visit], WorkflowFiles | PromptFiles | FragmentFiles | Agents | Tools]
    on_rename: str
    on_delete: str
    file: str
    home: str
    tab: str = ""


WORKFLOW = OwnFileKind(
    "workflow",
    lambda visit: visit.orchestra.workflows,
    N_("Workflows that call it are updated. Earlier runs keep the old name."),
    N_("Its triggers are turned off. Its runs stay."),
    "workflows/{}.json",
    "workflows",
)
PROMPT = OwnFileKind(
    "prompt",
    lambda visit: visit.orchestra.prompts,
    N_("Workflows that use it are updated. Earlier runs keep the old name."),
    N_("Its versions are moved with it."),
    "prompts/{}.json",
    "prompts",
)
FRAGMENT = OwnFileKind(
    "fragment",
    lambda visit: visit.orchestra.fragments,
    N_("Prompts and fragments that name it are updated."),
    N_("Versions of prompts keep the text that they were saved with."),
    "prompts/fragments/{}.md",
    "prompts",
    "fragments",
)
AGENT = OwnFileKind(
    "agent",
    lambda visit: visit.orchestra.agents,
    N_("Workflows and agents that use it are updated. Earlier runs keep the old name."),
    N_("Its versions are moved with it."),
    "agents/{}.json",
    "agents",
)
TOOL = OwnFileKind(
    "tool",
    lambda visit: visit.orchestra.tools,
    N_("Workflows and agents that use it are updated. Earlier runs keep the old name."),
    N_("Its kept versions stay."),
    "tools/{}",
    "tools",
)


def file_menu(visit: Visit, kind: OwnFileKind, name: str) -> None:
    """Show the button that opens Duplicate, Rename and Delete."""
    if not visit.may("edit"):
        return
    copying = {} if kind in (FRAGMENT, TOOL) else {t("Duplicate"): _duplicate}
    actions = {**copying, t("Rename"): _rename, t("Delete"): _delete}
    key = f"menu-{name}" if kind is WORKFLOW else f"menu-{kind.word}-{name}"
    chosen = st.menu_button(t("More"), list(actions), key=key, type="tertiary", icon=":material/more_horiz:")
    if chosen:
        actions[chosen](visit, kind, name)


@dialog(N_("Duplicate"), icon=":material/content_copy:")
def _duplicate(visit: Visit, kind: OwnFileKind, name: str) -> None:
    """Ask for a name and make a copy."""
    new = name_field(t("Name of the copy"), free_name(name, names(visit, kind)), f"copy-name-{name}")

    def copy(_request_key: str) -> str:
        area = kind.area(visit)
        return "" if isinstance(area, FragmentFiles | Tools) else area.duplicate(visit.who, name, new.strip()).name

    action_button(
        t("Duplicate"),
        "copy-make",
        copy,
        lambda made: open_file(visit, kind, made, N_("{name} has been created.")),
        scope=new,
        type="primary",
    )


@dialog(N_("Rename"), icon=":material/edit:")
def _rename(visit: Visit, kind: OwnFileKind, name: str) -> None:
    """Ask for a new name."""
    new = name_field(t("New name"), name, f"rename-name-{name}")
    st.caption(t(kind.on_rename))

    def change(_request_key: str) -> str:
        kind.area(visit).rename(visit.who, name, new.strip())
        return new.strip()

    action_button(
        t("Rename"),
        "rename-make",
        change,
        lambda now: open_file(visit, kind, now, N_("{name} is renamed.")),
        scope=new,
        type="primary",
    )


@dialog(N_("Delete?"), icon=":material/delete:")
def _delete(visit: Visit, kind: OwnFileKind, name: str) -> None:
    """Ask for confirmation, then move it to the trash."""
    st.write(plain(t("{file} moves to the trash of this workspace, .orchestra/trash.", file=kind.file.format(name))))
    st.caption(t(kind.on_delete))
    if kind is WORKFLOW:
        unsaved_warning(_unsaved_by(visit, name))

    def remove(_request_key: str) -> str:
        kind.area(visit).delete(visit.who, name)
        return name

    def gone(_name: str) -> None:
        session.tell(t("{name} is in the trash.", name=name))
        visit.go(kind.home, **({"tab": kind.tab} if kind.tab else {}))

    action_button(t("Delete"), "delete-make", remove, gone, scope=name, type="primary", icon=":material/delete:")


def _unsaved_by(visit: Visit, workflow: str) -> list[str]:
    """Return who has unsaved changes of a workflow or of one of its branches, which go to the trash with it."""
    text = visit.orchestra.workflows.get(visit.who, workflow).text
    own = visit.orchestra.drafts.unsaved_by("workflow", workflow, text)
    branches = visit.orchestra.branches.list(visit.who, workflow)
    return sorted({*own, *(who for one in branches for who in one.unsaved_by)})


def unsaved_warning(people: Sequence[str]) -> None:
    """Say before a deletion whose unsaved changes go to the trash with it, if any."""
    if people:
        words = t("Unsaved changes of {people} move to the trash, too.", people=", ".join(people))
        st.warning(plain(words), icon=":material/edit_note:")


def name_field(label: str, value: str, key: str) -> str:
    """Ask for the name of a file, and suggest a valid one if what is typed is not."""
    typed = st.text_input(label, value=value, help=t(NAME_HELP), key=key, max_chars=64)
    usable = usable_name(typed)
    with st.container():  # always there, so that a field below it does not move while somebody types
        if usable and usable != typed.strip():
            st.caption(plain(t("Not a valid file name yet. For example: {usable}", usable=usable)))
    return typed


def names(visit: Visit, kind: OwnFileKind) -> set[str]:
    """Return the names in use."""
    if kind is WORKFLOW:
        return set(visit.orchestra.workflows.names(visit.who))
    if kind is FRAGMENT:
        return {one.name for one in visit.orchestra.fragments.list(visit.who)}
    if kind is AGENT:
        return set(visit.orchestra.agents.names(visit.who))
    return {one.name for one in visit.orchestra.prompts.list(visit.who)}


def free_name(wanted: str, taken: set[str]) -> str:
    """Return the name, or a similar one that is free."""
    if wanted not in taken:
        return wanted
    return next(name for number in range(2, len(taken) + 3) if (name := f"{wanted[:60]}-{number}") not in taken)


def open_file(visit: Visit, kind: OwnFileKind, name: str, done: str, **params: str) -> None:
    """Go to the page of a file, and say there what was done, in a text with `{name}`."""
    session.tell(t(done, name=name))
    if kind is TOOL:  # it is open on the page that lists all
        visit.go(kind.home, tool=name)
    visit.go(kind.word, name=name, **params)
