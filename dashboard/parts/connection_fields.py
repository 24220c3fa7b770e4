"""The fields of a connection on the page, as its service declares them."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from clients.service import Service
from dashboard.base.language import t
from dashboard.base.plain import plain_with_code


def beside_fields(service: Service, values: Mapping[str, str], key: str) -> dict[str, str]:
    """Show the fields of the settings that belong to a key, and return their values."""
    return {
        one.name: str(
            st.text_input(t(one.label), values.get(one.name, ""), key=f"{key}-{one.name}", placeholder=one.hint)
        )
        for one in service.beside_key
    }


def key_facts(service: Service) -> None:
    """Say what the key of a service has to allow, and where it is kept."""
    if service.key is not None and service.key.rights:
        st.caption(t("It needs: {rights}", rights=plain_with_code(t(service.key.rights))))
    st.caption(t("It is stored encrypted in the state folder of this workspace."))


def key_label(service: Service) -> str:
    """Return the label for the key of a service."""
    return t(service.key.label) if service.key else t("Key")


def key_hint(service: Service) -> str:
    """Return what the empty field for the key shows."""
    return service.key.hint if service.key else ""
