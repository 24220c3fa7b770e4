"""The declaration of a small model on this machine, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from clients.local_model.catalogue import MODELS, SERVICE
from clients.reads import SERVER, ReadRequest
from clients.service import Extra, Service


class LocalModelSettings(BaseModel):
    """Settings of a model that this program runs itself, `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = Field(MODELS[0].name, description="A model of the catalogue.")
    file: str = Field("", description="In its place, the path of another model on this machine, a `.gguf` file.")
    context: int = Field(
        0, ge=0, le=1_048_576, description="How many tokens it reads at once. 0: as many as it can, at most 8,192."
    )


LOCAL_MODEL = Service(
    name=SERVICE,
    title="Small model",
    icon="memory",
    offered_as="A small model on this machine, without a key",
    settings=LocalModelSettings,
    error_name="The small model",
    usual_name="small",
    url="http://127.0.0.1",  # each server has a port of its own
    needs_key=False,
    has_accounts=False,
    extra=Extra("local", "xllamacpp", "xllamacpp"),
    models=MODELS,
    reads=(
        ReadRequest("GET", "/models"),
        ReadRequest("GET", "/props"),
        ReadRequest("POST", "/chat/completions"),
        ReadRequest("POST", "/tokenize", SERVER),
    ),
    harmless=("model",),  # a path could be any file of this machine, and a context takes its memory
    kind="model",
)
