"""Save a prompt: as the version that workflows use, as a draft, or as a version that nothing uses yet."""

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
        _use_button(visit, file, draft)
        _save_button(visit, draft, file.etag, t("Save as draft"), "save")
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
    action_button(label, f"{key}-{draft.name}", save, after, scope=scope, disabled=bool(now.wrong))


def _tell_saved(file: PromptFile) -> None:
    errors = _errors(file)
    if errors:
        session.tell(t("Saved as draft, with {many}.", many=_many(errors)), ":material/warning:")
    else:
        session.tell(t("Saved as draft. Workflows go on using the version that they have."))


def _errors(file: PromptFile) -> list[Problem]:
    return [one for one in file.problems if one.severity == "error"]


def _many(errors: Sequence[Problem]) -> str:
    return tn("{count} problem", "{count} problems", len(errors))


def _use_button(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Offer to save the text as the version that workflows use; if that label is protected, ask for the reason."""
    label = t("Save and use")
    if DEFAULT_LABEL not in file.protected:
        _version_button(visit, file, draft, label, DEFAULT_LABEL)
        return
    with popover(label, f"use-{draft.name}", ":material/lock:", disabled=bool(typed(draft).wrong)):
        _version_button(visit, file, draft, label, DEFAULT_LABEL, _reason(file))


def _version_popover(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    with popover(
        t("Save a version"), f"version-{draft.name}", ":material/bookmark_add:", disabled=bool(typed(draft).wrong)
    ):
        st.markdown(t("A version never changes. Workflows use this one once the tab *Versions* gives it their label."))
        _version_button(visit, file, draft, t("Save this version"))


def _version_button(
    visit: Visit, file: PromptFile, draft: EditorDraft, button: str, label: str | None = None, reason: str = ""
) -> None:
    """Show a button that saves a version, which `label` then names."""
    now = typed(draft)

    def save(_request_key: str) -> int | OrchestraError:
        try:
            return visit.orchestra.prompts.save_version(visit.who, draft.name, now.text, file.etag, label, reason)
        except (StaleEdit, InvalidFile) as error:
            return error

    def after(saved: int | OrchestraError) -> None:
        if isinstance(saved, int):
            close(f"version-{draft.name}")
            close(f"use-{draft.name}")
            begin(visit.orchestra.prompts.get(visit.who, draft.name))
            session.tell(
                t("Version {saved} is saved", saved=saved) + (t(" and is {label} now.", label=label) if label else ".")
            )
        _after(saved)

    action_button(
        button,
        f"save-and-use-{draft.name}" if label else f"save-version-{draft.name}",
        save,
        after,
        scope=f"{file.etag} {label} {hash(now.text)} {hash(reason)}",
        type="primary",
        disabled=bool(now.wrong),
    )


def _reason(file: PromptFile) -> str:
    """Ask why the protected label moves."""
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
