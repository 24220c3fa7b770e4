"""The declaration of Anthropic's API, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import ReadRequest
from clients.service import AccountKey, Extra, Service, Setting

_URL = "https://api.anthropic.com"


class AnthropicSettings(BaseModel):
    """Settings of an account, `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    api_key: SecretStr = Field(SecretStr(""), description="Its key.")
    base_url: BaseUrl = Field(_URL, description="The address of the API.")
    model: str = Field("", description="The model, such as `claude-sonnet-4-5`. Empty: steps or prompts name one.")


ANTHROPIC = Service(
    name="anthropic",
    title="Anthropic",
    icon="neurology",
    settings=AnthropicSettings,
    error_name="Anthropic",
    usual_name="claude",
    url=_URL,
    key=AccountKey(
        setting="api_key",
        variable="ANTHROPIC_API_KEY",
        place="Claude Console, API keys",
        url="https://platform.claude.com/settings/keys",
    ),
    beside_key=(Setting("model", "ANTHROPIC_MODEL", "Model", "Such as claude-sonnet-4-5"),),
    extra=Extra("anthropic", "anthropic", "anthropic"),
    reads=(
        ReadRequest("GET", "/v1/models"),
        ReadRequest("GET", "/v1/models/*"),
        ReadRequest("POST", "/v1/messages"),
    ),
    harmless=("model",),
    kind="model",
)
