"""What a model saw in a step: a line for each part, and the messages with their parts marked."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.plain import outside_marked, plain
from dashboard.parts.values import cut
from engine.runs.seen.seen import Seen, SeenPart

_WORDS = {
    "prompt": N_("Prompt"),
    "variable": N_("Variable"),
    "mail": N_("Mail"),
    "document": N_("Document"),
    "tool": N_("Tool"),
    "model": N_("Answer of a model"),
    "service": N_("Service"),
}


def seen_parts(seen: Seen) -> None:
    """Show where each part comes from, its share and what is missing, then the messages with their parts marked."""
    lines = [_line(one) for message in seen.messages for one in message.parts if one.source != "prompt"]
    fixed = sum(one.percent for message in seen.messages for one in message.parts if one.source == "prompt")
    if fixed:
        lines.insert(0, f"{t(_WORDS['prompt'])} · {_percent(fixed)}")
    st.markdown("\n".join(f"- {one}" for one in lines))
    if seen.input_tokens is not None:
        st.caption(t("Shares are estimates; the model counted {tokens} tokens.", tokens=f"{seen.input_tokens:,}"))
    for message in seen.messages:
        st.caption(plain(message.role))
        outside_marked([(cut(one.text), "" if one.source == "prompt" else _origin(one)) for one in message.parts])


def _origin(part: SeenPart) -> str:
    """Return where a part comes from, in a few words."""
    return " · ".join(filter(None, [t(_WORDS[part.source]), part.name, part.step]))


def _line(part: SeenPart) -> str:
    said = f"{plain(_origin(part))} · {_percent(part.percent)}"
    return f"{said} · {t('cut: {what}', what=plain(part.cut))}" if part.cut else said


def _percent(share: float) -> str:
    return f"{share:.0f} %" if share >= 1 else t("under 1 %")
