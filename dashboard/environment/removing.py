"""The popover that takes a workflow out of an environment, and first says what that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.popover import close, popover

if TYPE_CHECKING:
    from engine.runs.environments.removal import Removal


def removal_popover(visit: Visit, workflow: str, environment: str) -> None:
    """Offer to take a workflow out of an environment."""
    place = f"remove-{environment}-{workflow}"
    with popover(t("Take it out"), place, ":material/logout:"), errors_shown():
        removal = visit.orchestra.environments.check_removal(visit.who, workflow, environment)
        st.markdown(plain(f"{removal.then} {t('Its version is kept.')}"))
        if removal.triggers:
            st.warning(plain(f"{t('Its triggers start runs here.')} {removal.triggers}"), icon=":material/sensors:")
        action_button(
            t("Take {workflow} out of {environment}", workflow=workflow, environment=environment),
            f"env-{place}",
            lambda _: visit.orchestra.environments.remove(visit.who, workflow, environment, removal.triggers_to),
            lambda done: _removed(done, place),
            scope=f"{removal.version} {removal.triggers_to}",
            type="primary",
        )


def _removed(done: Removal, place: str) -> None:
    close(place)
    session.tell(t("{workflow} is taken out of {environment}.", workflow=done.workflow, environment=done.environment))
    st.rerun()
