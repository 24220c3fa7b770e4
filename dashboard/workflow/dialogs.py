"""The dialog that creates a workflow, blank or from a sample."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import WORKFLOW, free_name, name_field, names, open_file
from engine.workflows.samples import Sample

_BLANK = ""


@dialog(N_("New workflow"), icon=":material/add:")
def new_workflow(visit: Visit) -> None:
    """Ask for a template and a name, and create a workflow."""
    samples = {sample.name: sample for sample in visit.orchestra.workflows.samples(visit.who)}
    chosen = st.radio(
        t("Start with"),
        [_BLANK, *samples],
        format_func=lambda name: plain(samples[name].title) if name else t("Blank"),
        captions=[t("One step that runs as it is."), *(plain(_first_sentence(one)) for one in samples.values())],
        key="new-sample",
    )
    suggested = free_name(chosen or "my-workflow", names(visit, WORKFLOW))
    name = name_field(t("Name"), suggested, f"new-name-{chosen or 'blank'}")

    def make(_request_key: str) -> str:
        workflows = visit.orchestra.workflows
        if not chosen:
            return workflows.create(visit.who, name.strip()).name
        return workflows.create_from_sample(visit.who, chosen, name.strip()).name

    action_button(
        t("Create"),
        "new-make",
        make,
        lambda made: open_file(visit, WORKFLOW, made, "made"),
        scope=f"{chosen} {name}",
        type="primary",
    )


def _first_sentence(sample: Sample) -> str:
    return sample.description.split(". ")[0].rstrip(".") + "."
