"""What the settings of connections are called on the page, and what leaving one empty means."""

from __future__ import annotations

import streamlit as st

_BESIDE = {
    "base_url": ("Address", "Empty: the service's own. For a model on this machine: http://127.0.0.1:11434/v1"),
    "model": ("Model", "Empty: the one of config.yaml"),
    "address": ("Mail address", "me@fastmail.com"),
    "host": ("IMAP server", "Empty: known for the usual providers"),
    "smtp_host": ("SMTP server", "Empty: known for the usual providers"),
}


def beside_field(setting: str, value: str, key: str) -> str:
    """Show the field of a setting that stands beside a key, and return what is in it."""
    label, advice = _BESIDE.get(setting, (setting.capitalize(), ""))
    return str(st.text_input(label, value, key=key, placeholder=advice))


def key_label(service: str) -> str:
    """Return what the key of a service is called."""
    return "App password" if service == "imap" else "Key"
