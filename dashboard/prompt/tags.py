"""The tags of a prompt: on its page, and as the filter of the list."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover
from dashboard.prompt.draft import opened, relabelled
from engine.prompts.prompt_files import PromptFile, PromptSummary
from engine.prompts.tags import FORM, MOST_TAGS


def tag_badges(tags: Sequence[str]) -> None:
    """Show the tags of a prompt."""
    for tag in tags:
        outside_badge(tag, ":material/label:")


def tag_filter(found: Sequence[PromptSummary]) -> list[str]:
    """Show the tags of all prompts to choose from; return the chosen ones."""
    tags = sorted({tag for one in found for tag in one.tags})
    if not tags:
        return []
    return list(st.pills(t("Tags"), tags, selection_mode="multi", key="prompts-tags", label_visibility="collapsed"))


def tag_button(visit: Visit, file: PromptFile) -> None:
    """Show the button that changes the tags of a prompt."""
    if not visit.may("edit") or file.document is None:
        return
    place = f"tags-{file.name}"
    with popover(t("Tags"), place, ":material/label:"):
        known = {tag for one in visit.orchestra.prompts.list(visit.who) for tag in one.tags}
        chosen = st.multiselect(
            t("Tags of this prompt"),
            sorted({*known, *file.tags}),
            default=file.tags,
            key=f"tags-{file.name}-{file.etag}",
            accept_new_options=True,
            max_selections=MOST_TAGS,
            placeholder=t("Choose, or type a new one"),
            help=t("They group prompts on the page Prompts, and change no version. {form}", form=FORM),
        )
        add, remove = sorted(set(chosen) - set(file.tags)), sorted(set(file.tags) - set(chosen))

        def done(_tags: list[str]) -> None:
            close(place)
            now = visit.orchestra.prompts.get(visit.who, file.name)
            relabelled(opened(file), now)
            session.tell(t("Tags of {name}: {tags}.", name=file.name, tags=", ".join(now.tags) or "none"))
            st.rerun()

        action_button(
            t("Set tags"),
            f"tags-set-{file.name}",
            lambda _key: visit.orchestra.prompts.tag(visit.who, file.name, add, remove),
            done,
            scope=f"{chosen} {file.etag}",
            type="primary",
            disabled=not add and not remove,
        )
