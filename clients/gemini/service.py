"""The declaration of the Gemini API, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import ReadRequest
from clients.service import AccountKey, Extra, Service, Setting

_URL = "https://generativelanguage.googleapis.com"


class GeminiSettings(BaseModel):
    """Settings of an account, `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    api_key: SecretStr = Field(SecretStr(""), description="Its key.")
    base_url: BaseUrl = Field(_URL, description="The address of the API.")
    model: str = Field("", description="The model, such as `gemini-3.8-flash`. Empty: steps or prompts name one.")
    embedding_model: str = Field("", description="The model for vectors. Empty: `gemini-embedding-001`.")


GEMINI = Service(
    name="gemini",
    title="Gemini",
    icon="asterisk",
    settings=GeminiSettings,
    error_name="Gemini",
    url=_URL,
    key=AccountKey(
        setting="api_key",
        variable="GEMINI_API_KEY",
        place="Google AI Studio, API keys",
        url="https://aistudio.google.com/apikey",
    ),
    beside_key=(Setting("model", "GEMINI_MODEL", "Model", "Such as gemini-3.8-flash"),),
    extra=Extra("gemini", "google-genai", "google.genai"),
    reads=(
        ReadRequest("GET", "/v1beta/models"),
        ReadRequest("GET", "/v1beta/models/*"),
        ReadRequest("POST", "/v1beta/models/*:generateContent"),
        ReadRequest("POST", "/v1beta/models/*:streamGenerateContent"),
        ReadRequest("POST", "/v1beta/models/*:batchEmbedContents"),
    ),
    harmless=("model", "embedding_model"),
    kind="model",
    embedding_model="gemini-embedding-001",
)
