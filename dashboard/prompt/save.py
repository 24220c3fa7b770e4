"""Save a prompt: the draft, or a version with or without the label that workflows follow."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.editing.draft import EditorDraft
from dashboard.editing.saving import conflict
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.popover import close, popover
from dashboard.prompt.draft import begin, is_changed, typed
from engine.base.errors import InvalidFile, OrchestraError, StaleEdit
from engine.base.problem import Problem
from engine.prompts.prompt import DEFAULT_LABEL
from engine.prompts.prompt_files import PromptFile


def save_bar(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show what can be saved; if somebody else has saved, show the choices."""
    if not visit.may("edit"):
        return
    with st.container():  # always there: if it came and went, the editors below would move and be drawn anew
        if draft.etag != file.etag:
            _conflict(visit, file, draft)
        else:
            _save_bar(visit, file, draft)


def _save_bar(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        _save_button(visit, draft, file.etag, t("Save"), "save")
        _version_popover(visit, file, draft)
        if is_changed(draft):
            if st.button(t("Undo all"), key=f"undo-{file.name}", type="tertiary"):
                begin(file)
                st.rerun()
            st.caption(t("Not saved yet."))
    errors = _errors(file)
    if errors and not is_changed(draft):
        said = t("**Saved, with {many}.**", many=_many(errors))
        st.warning(f"{said} {message_markdown(errors[0].message, errors[0].remedy)}", icon=":material/warning:")


def _save_button(visit: Visit, draft: EditorDraft, etag: str, label: str, key: str) -> None:
    now = typed(draft)

    def save(_request_key: str) -> PromptFile | OrchestraError:
        try:
            return visit.orchestra.prompts.save(visit.who, draft.name, now.text, etag)
        except (StaleEdit, InvalidFile) as error:  # shown on the page; what is typed stays
            return error

    def after(saved: PromptFile | OrchestraError) -> None:
        if isinstance(saved, PromptFile):
            begin(saved)
            _tell_saved(saved)
        _after(saved)

    scope = f"{etag} {hash(now.text)}"
    action_button(label, f"{key}-{draft.name}", save, after, scope=scope, type="primary", disabled=bool(now.wrong))


def _tell_saved(file: PromptFile) -> None:
    errors = _errors(file)
    if errors:
        session.tell(t("Saved as draft, with {many}.", many=_many(errors)), ":material/warning:")
    else:
        session.tell(t("Saved as draft. Workflows use saved versions: save one with the label that they name."))


def _errors(file: PromptFile) -> list[Problem]:
    return [one for one in file.problems if one.severity == "error"]


def _many(errors: Sequence[Problem]) -> str:
    return tn("{count} problem", "{count} problems", len(errors))


def _version_popover(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    etag = file.etag
    now = typed(draft)
    with popover(t("Save a version"), f"version-{draft.name}", ":material/bookmark_add:", disabled=bool(now.wrong)):
        st.markdown(t("A version never changes. Workflows use the version that carries the label they name."))
        is_production = _production_box(file)
        label = DEFAULT_LABEL if is_production else None
        reason = _reason(file) if is_production else ""

        def save(_request_key: str) -> int | OrchestraError:
            try:
                return visit.orchestra.prompts.save_version(visit.who, draft.name, now.text, etag, label, reason)
            except (StaleEdit, InvalidFile) as error:
                return error

        def after(saved: int | OrchestraError) -> None:
            if isinstance(saved, int):
                close(f"version-{draft.name}")
                begin(visit.orchestra.prompts.get(visit.who, draft.name))
                session.tell(
                    t("Version {saved} is saved", saved=saved)
                    + (t(" and is {label} now.", label=label) if label else ".")
                )
            _after(saved)

        action_button(
            t("Save this version"),
            f"save-version-{draft.name}",
            save,
            after,
            scope=f"{etag} {label} {hash(now.text)} {hash(reason)}",
            type="primary",
        )


def _production_box(file: PromptFile) -> bool:
    """Offer to let workflows use a version; unless it is the first one, it may be tested before that."""
    known = file.labels.get(DEFAULT_LABEL)
    words = t("Make it the {default_label} version", default_label=DEFAULT_LABEL)
    if known is None:
        return st.checkbox(words, value=True, key=f"production-{file.name}")
    later = t(
        "Until then, workflows use version {known}. Test the new one on the tab Cases, and move the label later.",
        known=known,
    )
    return st.checkbox(
        t("{words} now, in place of version {known}", words=words, known=known),
        key=f"production-{file.name}",
        help=later,
    )


def _reason(file: PromptFile) -> str:
    """Ask why the label moves if it is protected."""
    if DEFAULT_LABEL not in file.protected:
        return ""
    help_ = t(
        "{default_label} is protected. Without a reason, it moves only if all cases pass: test them on the tab Cases.",
        default_label=DEFAULT_LABEL,
    )
    return fields.text_input(t("Reason, unless its cases pass"), "", key=f"version-reason-{file.name}", help=help_)


def _after(saved: object) -> None:
    if isinstance(saved, InvalidFile):
        st.error(t("Not saved: correct the problems below first."), icon=":material/error:")
        return
    st.rerun()  # even after a conflict: the next run finds the other text


def _conflict(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Let the person choose between two texts; nothing is overwritten before."""
    conflict(
        t("Somebody has saved this prompt since you opened it. Your text is still below; nothing was overwritten."),
        draft,
        file.text,
        typed(draft).text,
        # A key of its own, so that a press of Save that meets a conflict does not count as a press of this button.
        lambda: _save_button(visit, draft, file.etag, t("Overwrite with mine"), "overwrite"),
        lambda: begin(file),
    )
