"""Test an account when it is connected, and show what a check found, with fields named as the form names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from clients.check_line import CheckLine
from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.accounts import service_title
from engine.base.errors import NotAvailableYet, OrchestraError
from engine.base.services import declaration
from engine.base.statuses import AccountMode

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus


def keep_check(name: str, mode: AccountMode, lines: Sequence[CheckLine]) -> None:
    """Keep what a check of a connection found until the account changes."""
    session.keep_draft(_slot(name), (mode, lines))


def forget_check(name: str) -> None:
    """Forget what the last check of a connection found."""
    session.drop_draft(_slot(name))


def try_own(visit: Visit, status: ConnectionStatus) -> None:
    """Check a person's own account that was just saved; with `--demo` it cannot be reached."""
    try:
        lines = visit.orchestra.connections.check(visit.who, status.name, AccountMode.MINE)
    except NotAvailableYet:
        forget_check(status.name)
        return
    except (OrchestraError, ServiceError) as error:
        lines = [CheckLine("settings", ok=False, text=f"{error.message} {error.remedy}")]
    keep_check(status.name, AccountMode.MINE, lines)


def wrong(name: str, service: str) -> str:
    """Return as Markdown what has to be mended before a person's own account works; "" if nothing is known to be."""
    lines = _lines_of(name, AccountMode.MINE)
    line = next((one for one in lines if not one.ok), None)
    return "" if line is None else _named(service, line)


def show_wrong(name: str, service: str) -> None:
    """Say that the settings are saved but do not work, if that is so, and what has to be mended."""
    found = wrong(name, service)
    if found:
        st.warning(t("Saved, not working yet: {found}", found=found), icon=":material/warning:")


def tell_tested(status: ConnectionStatus) -> None:
    """Announce an account that works; one that could not be tested is only saved."""
    lines, title = _lines_of(status.name, AccountMode.MINE), service_title(status.service)
    if any(not one.ok for one in lines):
        session.tell(t("{title} is saved, but does not work yet.", title=title), ":material/warning:")
    elif lines:
        advice = "" if status.mode == AccountMode.MINE else t(" Switch it to your account when you are ready.")
        session.tell(t("{title} is connected as {name}.{advice}", title=title, name=status.name, advice=advice))
    else:
        session.tell(t("{title} is saved as {name}, not tested.", title=title, name=status.name), ":material/save:")


def check_lines(status: ConnectionStatus) -> None:
    """Show what the last check found, line by line."""
    checked: tuple[AccountMode, Sequence[CheckLine]] | None = session.draft(_slot(status.name), None)
    if checked is None:
        return
    mode, lines = checked
    st.caption(t("Checked: the demo") if mode == AccountMode.DEMO else t("Checked: your own account"))
    for line in lines:
        check_line(status.service, line)


def check_line(service: str, line: CheckLine) -> None:
    """Show one line of a check."""
    if line.is_note:
        st.markdown(
            f":gray[:material/info:] **{plain(t(line.what.capitalize()))}**: {plain_with_code(translated(line.text))}"
        )
        return
    icon = ":green[:material/check_circle:]" if line.ok else ":red[:material/error:]"
    works = t(":green[works]") if line.ok else t(":red[does not work]")
    st.markdown(f"{icon} **{plain(t(line.what.capitalize()))}** {works}: {_named(service, line)}")


def _named(service: str, line: CheckLine) -> str:
    """Return the text of a line, after the field that it is about, where the form has it."""
    label = "" if line.ok else declaration(service).label_of(line.field)
    said = plain_with_code(translated(line.text))
    return f"**{plain(t(label))}**: {said}" if label else said


def _lines_of(name: str, mode: AccountMode) -> Sequence[CheckLine]:
    kept: tuple[AccountMode, Sequence[CheckLine]] | None = session.draft(_slot(name), None)
    return kept[1] if kept is not None and kept[0] == mode else ()


def _slot(name: str) -> str:
    return f"check.{name}"
