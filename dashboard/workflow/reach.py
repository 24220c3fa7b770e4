"""Who sees what: the text that a workflow sends from one service to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.drawing.steps import steps_of
from dashboard.parts.accounts import service_icon, service_title
from dashboard.parts.header import section
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Reach

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile


def reach_section(visit: Visit, file: WorkflowFile) -> None:
    """Show which text from outside goes where; nothing if none leaves the service that it came from."""
    if not file.reach:
        return
    section(t("Who sees what"))
    away = _away(file)
    if away and _are_demo(visit, away):
        st.caption(
            t("In the demo nothing leaves this machine, not even mail. With your own accounts, text goes this way:")
        )
    accounts = {one.name: one.service for one in visit.orchestra.connections.list(visit.who)}
    titles = {entry.path: entry.step.title or entry.path for entry in steps_of(file.document)}
    ways: dict[tuple[str, str, str], list[Reach]] = {}
    for one in file.reach:
        ways.setdefault((one.source, one.to, one.host), []).append(one)
    for (source, to, host), found in ways.items():
        steps = dict.fromkeys(_step(one, titles) for one in found)
        where = ":material/lock:" if found[0].is_local else ":material/public:"
        st.markdown(
            f"{_account(source, accounts)} :material/arrow_right_alt: {_account(to, accounts)} "
            f":gray[{where} {plain(host)} · {plain(', '.join(steps))}]"
        )


def reach_badge(visit: Visit, file: WorkflowFile, *, is_short: bool = False) -> None:
    """Say in a badge whether text from outside leaves this machine; `is_short`: only once it is pointed at."""
    away = _away(file)
    hosts = ", ".join(sorted({one.host for one in away}))
    is_demo = _are_demo(visit, away)
    if not away:
        words, short = t("text from outside stays on this machine"), t("stays here")
    elif is_demo:
        words = t("nothing goes out in the demo; with your accounts, text from outside goes to {away}", away=hosts)
        short = t("nothing goes out")
    else:
        words, short = t("text from outside goes to {away}", away=hosts), t("text goes out")
    st.badge(
        short if is_short else words,
        icon=":material/visibility:" if away else ":material/lock:",
        color="green" if not away else "gray" if is_demo else "orange",
        help=words if is_short else None,
    )


def _away(file: WorkflowFile) -> list[Reach]:
    return [one for one in file.reach if not one.is_local]


def _are_demo(visit: Visit, away: Iterable[Reach]) -> bool:
    """Return whether text goes only to stand-ins, which send no mail either."""
    modes = {one.name: one.mode for one in visit.orchestra.connections.list(visit.who)}
    return all(modes.get(one.sender or one.to) == AccountMode.DEMO for one in away)


def _account(name: str, accounts: Mapping[str, str]) -> str:
    """Return Markdown for a connection or service: icon and title, with its name where a service has several."""
    service = accounts.get(name, name)
    title = service_title(service)
    is_one_of_several = list(accounts.values()).count(service) > 1
    return f"{service_icon(service)} **{plain(f'{title} ({name})' if is_one_of_several else title)}**"


def _step(one: Reach, titles: Mapping[str, str]) -> str:
    if one.workflow:
        return t("{step} of the workflow {workflow}", step=one.step, workflow=one.workflow)
    return titles.get(one.step, one.step)
