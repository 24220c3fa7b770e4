"""Protected labels on the Versions tab: a move that is refused can be proved by a test, or explained with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.times import ago
from dashboard.prompt.asked import test_running
from engine.base.errors import ProtectedLabel
from engine.base.statuses import RunStatus
from engine.prompts.prompt_files import PromptFile
from engine.prompts.protected import LONGEST_REASON
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import Matrix, MatrixRequest


@dataclass(frozen=True)
class _Refused:
    label: str
    number: int
    message: str
    test_id: str
    """The last test at that time: only a later one shows that it may be moved now."""


def move(visit: Visit, name: str, label: str, number: int, reason: str = "") -> ProtectedLabel | None:
    """Point a label to a version; return why it is refused, if it is."""
    try:
        visit.orchestra.prompts.set_label(visit.who, name, label, number, reason)
    except ProtectedLabel as error:
        return error
    return None


def after_move(
    visit: Visit, name: str, label: str, number: int, refused: ProtectedLabel | None, done: Callable[[], object]
) -> None:
    """Go on after `move`: a refusal is shown when the page is next drawn."""
    if refused is None:
        session.drop_draft(_slot(name))
        done()
        return
    test = visit.orchestra.case_tests.last(visit.who, name)
    session.keep_draft(_slot(name), _Refused(label, number, refused.message, "" if test is None else test["id"]))
    st.rerun()


def refusal_shown(visit: Visit, file: PromptFile, number: int, done: Callable[[str], object]) -> None:
    """Show the last move to this version that was refused, with ways to make it; `done(label)` follows it."""
    one: _Refused | None = session.draft(_slot(file.name), None)
    if one is None or one.number != number or one.label not in file.protected:
        return
    with st.container(border=True, key=f"refused-{file.name}"):
        test = visit.orchestra.case_tests.last(visit.who, file.name)
        passed = 0 if test is None or test["id"] == one.test_id else _passed(test, number)
        if test is not None and test["status"] == RunStatus.RUNNING:
            test_running(visit, test)
            return
        if passed:
            st.success(
                t(
                    "{cases} passed with version {number}.",
                    cases=tn("{count} case", "{count} cases", passed),
                    number=number,
                ),
                icon=":material/fact_check:",
            )
        else:
            st.warning(plain(translated(one.message)), icon=":material/lock:")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _ways(visit, file, one, done, has_passed=passed > 0)


def _passed(test: Matrix, number: int) -> int:
    """Return how many cases passed with a version; 0 unless all did."""
    cases = len(test["cases"])
    return cases if any(one["version"] == number and one["passed"] == cases for one in test["columns"]) else 0


def _ways(visit: Visit, file: PromptFile, one: _Refused, done: Callable[[str], object], *, has_passed: bool) -> None:
    name, number = file.name, one.number
    if has_passed:
        action_button(
            t("Move {label} to version {number}", label=one.label, number=number),
            f"move-tested-{name}",
            lambda _key: move(visit, name, one.label, number),
            lambda refused: after_move(visit, name, one.label, number, refused, lambda: done(one.label)),
            scope=f"{one.label} {number} {file.etag} {one.test_id}",
            type="primary",
        )
    else:
        if visit.may("run"):
            _test_button(visit, name, one)
        reason = fields.text_input(t("Reason"), "", key=f"move-reason-{name}-{number}", max_chars=LONGEST_REASON)
        action_button(
            t("Move with this reason"),
            f"move-anyway-{name}",
            lambda _key: move(visit, name, one.label, number, reason),
            lambda refused: after_move(visit, name, one.label, number, refused, lambda: done(one.label)),
            scope=f"{one.label} {number} {file.etag} {hash(reason)}",
            disabled=not reason.strip(),
        )
    st.button(t("Cancel"), key=f"move-cancel-{name}", type="tertiary", on_click=session.drop_draft, args=(_slot(name),))


def _test_button(visit: Visit, name: str, one: _Refused) -> None:
    with errors_shown():
        tries = visit.orchestra.tries
        connections = tries.connections(visit.who)
        connection = session.widget_value(f"try-connection-{name}", connections[0] if connections else "")
        needed = tries.needs_confirmation(visit.who, name, connection)
        wanted = MatrixRequest([TriedColumn(str(one.number), connection=connection)])
        action_button(
            t("Test this version"),
            f"test-version-{name}",
            lambda _key: visit.orchestra.case_tests.start(visit.who, name, wanted),
            lambda _report: st.rerun(),
            scope=f"{one.number} {one.test_id}",
            type="primary",
            icon=":material/fact_check:",
            disabled=needed is not None,
        )
        if needed is not None:
            st.caption(t("Ask the model once on the tab Try first: nobody has agreed to its account."))


def moves_shown(file: PromptFile) -> None:
    """Show who moved protected labels, when and why, newest first."""
    found = (file.document or {}).get("moves")
    moves = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if not moves:
        return
    with st.expander(t("Moves of labels ({count})", count=len(moves))):
        for one in reversed(moves):
            why = one.get("reason") or tn("{count} case", "{count} cases", one.get("cases") or 0) + t(" passed")
            demo = t(" with the demo's model") if one.get("demo") else ""
            words = t(
                "{label} to version {version}: {why}{demo}",
                label=one.get("label"),
                version=one.get("version"),
                why=why,
                demo=demo,
            )
            st.markdown(f"{plain(words)}  \n:gray[{plain(str(one.get('by')))}, {plain(ago(str(one.get('at'))))}]")


def protection_button(visit: Visit, file: PromptFile, label: str, done: Callable[[str], object]) -> None:
    """Show the button that protects a label, or takes its protection off."""
    prompts, is_protected = visit.orchestra.prompts, label in file.protected
    action_button(
        t("Take the protection of {label} off", label=label) if is_protected else t("Protect {label}", label=label),
        f"label-protect-{file.name}-{label}",
        lambda _key: (prompts.unprotect if is_protected else prompts.protect)(visit.who, file.name, label),
        lambda _none: done(
            t("The label {label} moves freely again.", label=label)
            if is_protected
            else t("The label {label} now moves only to a version whose cases pass, or with a reason.", label=label)
        ),
        scope=f"{label} {file.etag}",
        icon=":material/lock_open:" if is_protected else ":material/lock:",
    )


def _slot(name: str) -> str:
    return f"refused.{name}"
