"""The declaration of model servers, and the settings of their connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import SERVER, ReadRequest
from clients.service import AccountKey, Service, Setting

_URL = "https://api.openai.com/v1"


class OpenAISettings(BaseModel):
    """Settings of a model server, `connections.<name>` in config.yaml; a local server needs no key."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    api_key: SecretStr = Field(SecretStr(""), description="Its key; a local server needs none.")
    base_url: BaseUrl = Field(_URL, description="The address of the API.")
    model: str = Field("", description="The model. Empty: `model_defaults.model`.")
    embedding_model: str = Field(
        "", description="The model for vectors. Empty: at OpenAI `text-embedding-3-small`, elsewhere `model`."
    )


OPENAI = Service(
    name="openai",
    title="Model",
    icon="auto_awesome",
    offered_as="OpenAI",
    settings=OpenAISettings,
    error_name="The model server",
    url=_URL,
    key=AccountKey(
        setting="api_key",
        variable="OPENAI_API_KEY",
        place="OpenAI, API keys; any OpenAI-compatible server works",
        url="https://platform.openai.com/api-keys",
    ),
    needs_key=False,
    beside_key=(
        Setting(
            "base_url",
            "OPENAI_BASE_URL",
            "Address",
            "Empty: the service's own. For a model on this machine: http://127.0.0.1:11434/v1",
        ),
        Setting("model", "OPENAI_MODEL", "Model", "Empty: the one in config.yaml"),
    ),
    # The last six ask Ollama, LM Studio, llama.cpp and vLLM for the size of the context, and of a text.
    reads=(
        ReadRequest("GET", "/models"),
        ReadRequest("GET", "/models/**"),
        ReadRequest("POST", "/chat/completions"),
        ReadRequest("POST", "/embeddings"),
        ReadRequest("GET", "/api/ps", SERVER),
        ReadRequest("POST", "/api/show", SERVER),
        ReadRequest("GET", "/api/v1/models", SERVER),
        ReadRequest("GET", "/api/v0/models", SERVER),
        ReadRequest("GET", "/props", SERVER),
        ReadRequest("POST", "/tokenize", SERVER),
    ),
    runs_locally=True,
    takes_default_model=True,
    embedding_model="text-embedding-3-small",
    harmless=("model", "embedding_model"),
    kind="model",
)
