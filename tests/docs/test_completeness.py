"""Nothing is left out: every step type, setting, key and address is documented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from engine.base.services import services
from engine.compiler.definition.model import ParallelModel, TriggerModel, WorkflowModel
from engine.compiler.definition.step_model import FallbackModel
from engine.orchestra import Orchestra
from engine.plugins.registry import step_types, trigger_types
from engine.prompts.prompt import MessageModel, PromptModel, SampleModel
from engine.record.types.run import AccountRecord, Counts, ResumeRecord, Run, RunOptions, TriggerItem
from engine.record.types.step import (
    AttemptRecord,
    Failure,
    FieldDifference,
    Hold,
    ReceiptRecord,
    StepEffect,
    StepRecord,
    UndoneRecord,
    UsageRecord,
)
from engine.rights_docs import rights_page
from engine.service_docs import services_page
from engine.step_docs import steps_page
from engine.trigger_docs import trigger_types_page
from engine.workspace.config import Config
from tests.docs.pages import ROOT, blocks, run, text_of

ENGINE = ROOT / "engine"


def test_the_page_of_step_types_is_what_the_step_types_say() -> None:
    assert text_of("docs/steps.md") == steps_page(), "run: python -m engine.step_docs > docs/steps.md"
    for name in step_types():
        assert f"### `{name}`" in text_of("docs/steps.md")


def test_the_page_of_trigger_types_is_what_the_trigger_types_say() -> None:
    said = "run: python -m engine.trigger_docs > docs/trigger-types.md"
    assert text_of("docs/trigger-types.md") == trigger_types_page(), said
    for name in trigger_types():
        assert f"## `{name}`" in text_of("docs/trigger-types.md")


def test_the_page_of_rights_is_what_the_operations_declare() -> None:
    assert text_of("docs/rights.md") == rights_page(), "run: python -m engine.rights_docs > docs/rights.md"


@pytest.mark.parametrize(
    "record",
    [
        *(Run, RunOptions, TriggerItem, AccountRecord, Counts, ResumeRecord),
        *(StepRecord, AttemptRecord, Failure, UsageRecord, Hold),
        *(StepEffect, ReceiptRecord, UndoneRecord, FieldDifference),
    ],
)
def test_every_member_of_a_run_is_documented(record: Any) -> None:
    section = text_of("docs/files.md").partition("\n## Run\n")[2].partition("\n**Large values.**")[0]
    assert [name for name in record.__annotations__ if not re.search(rf"\b{name}\b", section)] == []


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name and the default of every setting."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}.")
        elif name == "connections":
            yield "connections.NAME.service", None
        else:
            yield f"{prefix}{name}", field.default


@pytest.mark.parametrize(("name", "default"), list(settings(Config)))
def test_every_setting_is_documented_with_its_default(name: str, default: Any) -> None:
    shown = f" `{default}` " if default not in (None, "") else " "
    assert f"| `{name}` |{shown}|" in text_of("docs/files.md")


@pytest.mark.slow
def test_the_page_of_services_is_what_the_clients_say() -> None:
    said = "run: python -m engine.service_docs > docs/services.md"
    assert text_of("docs/services.md") == services_page(), said
    for service in services():
        assert f"## `{service.name}`" in services_page()
        assert all(f"| `{setting}` |" in services_page() for setting in service.settings.model_fields)


@pytest.mark.parametrize(
    "model",
    [
        WorkflowModel,
        TriggerModel,
        ParallelModel,
        FallbackModel,
        PromptModel,
        MessageModel,
        SampleModel,
    ],
)
def test_every_key_of_a_file_is_documented(model: type[BaseModel]) -> None:
    page = text_of("docs/files.md")
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert [key for key in keys if not re.search(rf"`{key}`|\"{key}\"", page)] == []


def test_every_key_of_a_run_is_documented(orchestra: Orchestra) -> None:
    page = text_of("docs/files.md").partition("## Run\n")[2]
    document = run(orchestra, "example", blocks("docs/files.md", "json")[0])
    keys = {*document, *(key for step in document["steps"] for key in step)}
    assert sorted(key for key in keys if f"`{key}`" not in page) == []


def test_what_the_architecture_names_in_a_folder_is_there() -> None:
    _, _, table = text_of("docs/architecture.md").partition("| Folder | Contents |\n")
    rows = [row.split(" | ", 1) for row in table.partition("\n\n")[0].splitlines()[1:]]
    named = {folders: re.findall(r"`([\w/-]+(?:\.py|/))`", contents) for folders, contents in rows}
    assert sum(map(len, named.values())) > 40
    gone = [
        f"{folders} {name}"
        for folders, names in named.items()
        for name in names
        if not name.startswith(("gallery/", "store/"))  # of the whole checkout, or of all folders
        and not any(any((ENGINE / one).rglob(name)) for one in re.findall(r"`(\w+)/`", folders) or [""])
    ]
    assert not gone


@pytest.mark.slow
def test_every_address_of_the_api_is_documented(api: FastAPI) -> None:
    page = text_of("docs/operations.md")
    described: Mapping[str, Mapping[str, Any]] = api.openapi()["paths"]
    addresses = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert len(addresses) >= 12
    assert [address for address in sorted(addresses) if f"`{address}`" not in page] == []
