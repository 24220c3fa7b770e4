"""What a service is to the rest of the program: its names, its settings, its key, and what workflows may pick from it.

Everything that shows or asks something about a service asks its declaration. Nothing outside `clients/<service>` keeps
a table of services, so that a new one is complete with its own folder.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field
from msgspec.structs import force_setattr

from clients.reads import ReadCommands, ReadRequest

if TYPE_CHECKING:
    from pydantic import BaseModel

ServiceKind = Literal["", "model", "drive"]
"""`model`: a language model: its calls cost by length, and it changes nothing. `drive`: a place for files
(clients/drives)."""
OTHER_LINK = "Link"
"""What an address leads to if nothing more is known."""


class AccountKey(Struct, frozen=True):
    """The secret that gives access to an account, and where a person gets one."""

    setting: str
    """The setting that holds it."""
    variable: str
    """The environment variable that the service's own tools read it from."""
    place: str
    url: str
    label: str = "Key"
    """What the service calls it."""
    rights: str = ""
    """What it has to allow, as the page where one creates it calls that; empty if there is nothing to choose."""
    hint: str = ""
    """What an empty field shows."""
    is_address: bool = False
    """Whether it also says where the account is."""


class Setting(Struct, frozen=True):
    """A setting that people usually give together with the key."""

    name: str
    variable: str
    """The environment variable that it comes from if config.yaml has none. Empty: there is none."""
    label: str
    hint: str = ""
    """What an empty field shows."""


class PublicPlace(Struct, frozen=True):
    """What steps may write to and everybody may read: needs a person's consent. See `Client.is_public`."""

    field: str
    """The field of steps that names the place."""
    format: str
    """The format of workflow inputs that name such a place."""


class Extra(Struct, frozen=True):
    """A part of the installation that only this service needs, of the same name in `pyproject.toml`."""

    name: str
    package: str
    """As package indexes call it."""
    module: str
    """The module that is imported from it."""
    of: str = ""
    """What needs it, as people call it. Empty: the service."""
    setting: str = ""
    """The setting that tells whether a connection needs it. Empty: every connection does."""
    begins: str = ""
    """How the value of that setting begins if it is needed."""

    def is_needed(self, settings: Mapping[str, Any]) -> bool:
        """Return whether a connection with these settings needs it."""
        return not self.setting or str(settings.get(self.setting, "")).strip().lower().startswith(self.begins)

    def is_installed(self) -> bool:
        """Return whether it can be imported; imports nothing but packages around it."""
        try:
            return find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False

    @property
    def install(self) -> str:
        """How to install it, as a sentence."""
        return f"Install it: `{install_command(self.name)}`."


class FetchedModel(Struct, frozen=True):
    """A model that runs on this machine, once its file is fetched; what a person should know before."""

    name: str
    title: str
    licence: str
    licence_url: str
    download_bytes: int
    disk_bytes: int
    memory_bytes: int
    """What its server needs, about."""
    context_tokens: int
    ability: str
    """What it can and cannot do, in sentences."""


class Service(Struct, frozen=True):
    """The declaration of a service."""

    name: str
    """As in config.yaml; also the name of its file or folder in `clients/`."""
    title: str
    """As people call it."""
    icon: str
    """A Material symbol (https://fonts.google.com/icons)."""
    settings: type[BaseModel]
    """The keys of its connections in config.yaml."""
    offered_as: str = ""
    """Its name in a list of services to choose from. Empty: `title`."""
    error_name: str = ""
    """How errors begin: "The model server answered 500". Empty: `title`."""
    usual_name: str = ""
    """The name offered for a first connection. Empty: `name`."""
    url: str = ""
    """The address of its HTTP API if the settings give none."""
    key: AccountKey | None = None
    needs_key: bool = True
    beside_key: tuple[Setting, ...] = ()
    has_accounts: bool = True
    """Whether the service can say whose account it is; otherwise the connection's name identifies it."""
    extra: Extra | None = None
    """What is not installed with this program: its SDK, or the SDK for some of its connections."""
    offers_tools: bool = False
    """Whether an account has tools that become step types once a person has accepted them."""
    runs_locally: bool = False
    """Whether the model servers that people run on their own machine have its API."""
    models: tuple[FetchedModel, ...] = ()
    """The models that it fetches to this machine (`Client.fetch`); the first one is the usual one."""
    reads_strangers_files: bool = False
    """Whether its steps read files of strangers, each in a child process of this machine."""
    embedding_model: str = ""
    """The model for vectors at the service's own address, unless the connection names one; empty without vectors."""
    runs_code: bool = False
    """Whether its steps run a person's code in the sandbox of this machine."""
    harmless: tuple[str, ...] = ()
    """The settings that decide neither where a connection leads nor what of this machine it may use: a program with an
    API token may give these, too (`is_given_by_programs`)."""
    takes_default_model: bool = False
    """Whether `model_defaults.model` in config.yaml is the model of its connections that have none."""
    kind: ServiceKind = ""
    """What it has in common with others: a step that needs one of a kind accepts a connection to any of them."""
    reads: tuple[ReadRequest, ...] = ()
    """The requests that change nothing. While a plan is made, no other is sent; without any, nothing can be read."""
    read_commands: tuple[ReadCommands, ...] = ()
    """The same for a service that speaks the protocols of mail."""
    proven_reads: str = ""
    """The same for a service whose client proves each request to be a read: a description of such requests."""
    pickers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What a person picks instead of typing: {format of a field: the client's method that lists the choices}."""
    finders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The client's methods that look up a typed value instead, by the same formats; they raise NotFound."""
    public_place: PublicPlace | None = None
    shown_at: tuple[str, ...] = ()
    """The hosts of its own pages: a link to them leads to no stranger."""
    link: str = OTHER_LINK
    """One word for the pages behind the links that its steps return."""
    shared_file: str = ""
    """A file in the state folder that the clients of all processes of a workspace share."""
    is_in_workspace: bool = False
    """Whether it is a part of the workspace if it is used without a connection: then nothing leaves this machine, and
    it belongs to the demo in runs on demo accounts."""
    demo_file: str = ""
    """A file in the state folder with what the demo has left there, or how such files begin; a reset removes them."""

    def __post_init__(self) -> None:
        force_setattr(self, "error_name", self.error_name or self.title)
        force_setattr(self, "usual_name", self.usual_name or self.name)
        force_setattr(self, "offered_as", self.offered_as or self.title)

    @property
    def is_model(self) -> bool:
        """Whether it is a language model."""
        return self.kind == "model"

    def is_given_by_programs(self, setting: str) -> bool:
        """Return whether a program with an API token may give a setting: a key, or a harmless one."""
        is_key = self.key is not None and setting == self.key.setting and not self.key.is_address
        return is_key or setting in self.harmless

    def label_of(self, setting: str) -> str:
        """Return what the form of its connections calls a setting; "" if it does not ask for it."""
        if self.key is not None and setting == self.key.setting:
            return self.key.label
        return next((one.label for one in self.beside_key if one.name == setting), "")

    def lacks(self, settings: Mapping[str, Any]) -> str:
        """Return what is not installed that a connection with these settings needs, as a sentence; "" if nothing."""
        extra = self.extra
        if extra is None or not extra.is_needed(settings) or extra.is_installed():
            return ""
        return f"{extra.of or self.title} needs the package {extra.package}, which is not installed."

    @property
    def install(self) -> str:
        """How to install what the service needs, as a sentence; empty if everything comes with this program."""
        return self.extra.install if self.extra else ""

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of settings that config.yaml does not give, by setting, without the key."""
        return {one.name: one.variable for one in self.beside_key if one.variable}


def install_command(extra: str) -> str:
    """Return the shell command that installs an extra of this program for the interpreter that runs it."""
    path, folder = Path(sys.executable), Path.cwd()
    python = shlex.quote(str(path.relative_to(folder) if path.is_relative_to(folder) else path))
    has_pip = find_spec("pip") is not None  # `uv tool` makes environments without it
    installer = f"{python} -m pip install" if has_pip else f"uv pip install --python {python}"
    return f"{installer} 'ai-orchestra[{extra}]'"
