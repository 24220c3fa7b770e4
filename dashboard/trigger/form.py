"""The form of a trigger on its card: its address, how often it was sent, and another address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.times import ago
from engine.triggering.polling.status import TriggerStatus

if TYPE_CHECKING:
    from engine.triggering.forms import FormStatus

_HERE = ("http://127.", "http://localhost", "http://[::1]")
"""The beginnings of addresses that no other machine reaches."""


def is_form(one: TriggerStatus) -> bool:
    """Return whether a trigger has a form."""
    return one.uses == "form.submitted"


def fields_line(one: TriggerStatus) -> str:
    """Return the title of a form with the labels of its fields."""
    fields = [str(field.get("label", "")) for field in one.fields.get("fields", [])]
    return f"{one.fields.get('title', '')}: {', '.join(fields)}"


def form_box(visit: Visit, one: TriggerStatus, key: str) -> None:
    """Show where the form is, and how often it was sent."""
    with errors_shown():
        form = visit.orchestra.forms.get(visit.who, one.workflow, one.id)
        st.code(form.url, language=None, wrap_lines=True)
        said = [t("Anybody who has this address can fill it in.") if form.is_open else t("Closed: nobody sees it now.")]
        said.append(tn("Sent {count} time in 24 hours.", "Sent {count} times in 24 hours.", form.today))
        if form.last_at:
            said.append(t("Last sent {when}.", when=ago(form.last_at)))
        if form.waiting:
            said.append(tn("{count} waits for its run.", "{count} wait for their runs.", form.waiting))
        if form.url.startswith(_HERE):
            said.append(t("Only this machine reaches this address, until `server.public_url` is set."))
        st.caption(" ".join(said))
        if visit.may("edit") and st.button(
            t("New address …"), key=f"rotate-{key}", type="tertiary", icon=":material/autorenew:"
        ):
            _new_address(visit, form)


@dialog(N_("New address"), icon=":material/autorenew:")
def _new_address(visit: Visit, form: FormStatus) -> None:
    st.markdown(
        t(
            "The form {title} gets another address. Links to the old one stop working at once, and pages that are open "
            "there can no longer be sent.",
            title=plain(form.title),
        )
    )
    action_button(
        t("Change the address"),
        f"rotate-now-{form.workflow}-{form.trigger}",
        lambda _key: visit.orchestra.forms.rotate(visit.who, form.workflow, form.trigger),
        lambda _form: _changed(),
        type="primary",
    )


def _changed() -> None:
    session.tell(t("The form has a new address."))
    st.rerun()
