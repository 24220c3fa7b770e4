"""The settings of a workspace: defaults, overridden by config.yaml, overridden by the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import structs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from clients.code.service import CODE, CodeSettings
from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.names import NAME
from engine.base.problem import Problem
from engine.base.services import declaration
from engine.budgets.prices import is_local
from engine.budgets.settings import BudgetSettings, PriceTable
from engine.compiler.definition.approval_rules import ApprovalSettings
from engine.compiler.definition.environment import IsUser
from engine.documents.json_file import read_text
from engine.documents.repair import repaired
from engine.documents.shapes import Fault, Misfit
from engine.documents.shapes import Path as Place
from engine.documents.yaml_file import YamlFile, parse
from engine.files.log_levels import levels_of
from engine.packages.in_force import switch_off
from engine.people.sign_in_rules import SignInRules
from engine.plugins.registry import is_of_workspace
from engine.secrets.vault import Vault
from engine.store.blobs.opened import require_place
from engine.store.run_limits import RunLimits
from engine.store.texts.texts import TextStore
from engine.workspace.dotenv import read_dotenv
from engine.workspace.secret import ReferenceSecrets, is_clear_secret

FILE = "config.yaml"
ENVIRONMENT = "the environment"
"""The place of a problem that no line of the file has."""
PREFIX = "ORCHESTRA_"
_NOTICE_TIME = re.compile(r"at_once|(?:[1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h|(?:[01][0-9]|2[0-3]):[0-5][0-9]")
"""Up to a week."""
_WEBHOOK = re.compile(r"https?://[^\s/?#]\S*\Z")
_HOST = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?$")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _has_numbers(cls, given: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for a number, which pydantic reads as 1 and 0: `days: true` would remove runs."""
        wanted = cls.model_fields[str(info.field_name)].annotation
        if isinstance(given, bool) and {int, float} & {wanted, *get_args(wanted)}:
            raise Misfit("must be a number", "Write digits only, without quotes.")
        return given


def _origin(url: str) -> str:
    """Return scheme and host as browsers write them. Raises Misfit."""
    try:
        parts = urlsplit(url.lower().removesuffix("/"))
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    is_plain = parts.scheme in ("https", "http") and parts.hostname and "@" not in parts.netloc
    if not is_plain or parts.path or parts.query or parts.fragment or not _HOST.match(parts.netloc):
        raise Misfit("must be scheme and host alone", "Write one such as https://orchestra.example.org.")
    usual = {"https": 443, "http": 80}[parts.scheme]  # browsers leave it out
    return f"{parts.scheme}://{parts.netloc.removesuffix(f':{usual}') if port == usual else parts.netloc}"


class ServerSettings(_Settings):
    """Where the dashboard and the API listen, and their public address behind a proxy."""

    host: str = "127.0.0.1"
    port: int = Field(8501, ge=1, le=65535)
    public_url: str = ""
    """`https://name[:port]` of a proxy with TLS; empty without a proxy."""
    trusted_proxies: list[str] = []
    """Addresses or networks of proxies on other machines, whose forwarded headers are trusted."""

    cors_origins: list[Annotated[str, AfterValidator(_origin)]] = []
    """Origins of other sites whose pages may use the API, with a token."""

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, url: str) -> str:
        return _origin(url) if url else ""

    @field_validator("trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _from_environment(cls, given: Any) -> Any:
        return [one.strip() for one in given.split(",")] if isinstance(given, str) and given else given

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, proxies: list[str]) -> list[str]:
        for one in proxies:
            try:
                ip_network(one, strict=False)
            except ValueError:
                said = f"{one!r} is neither an address nor a network"
                raise Misfit(said, "Write such as 10.0.0.2 or 10.0.0.0/24.") from None
        return proxies


class WorkerSettings(_Settings):
    """Where each `orchestra worker` answers /metrics, /health and /live."""

    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(None, ge=1, le=65535)
    """None: nowhere."""


class ModelDefaults(_Settings):
    """Defaults for connections to OpenAI and servers with its API; other services have other models."""

    model: str = "gpt-4.1-mini"


def _is_name(name: str) -> str:
    if not NAME.match(name):
        said = f"the name {name!r} takes lower-case letters, digits, '-' and '_' only"
        raise Misfit(said, "Give the connection another name, such as 'work-mail'.")
    return name


ConnectionName = Annotated[str, AfterValidator(_is_name)]


class Limits(_Settings):
    """How much may run at once."""

    calls_at_once: int = Field(8, ge=1, le=64)
    lease_seconds: float = Field(30, ge=1, le=3600)
    most_waiting_runs: int = Field(1000, ge=1, le=10_000_000)
    """How many runs may wait to begin in any case; more may, up to as many as ended in the last minute."""
    chained_polls_per_hour: int = Field(30, ge=1, le=100_000)
    """A trigger pauses after more polls within an hour that each found something after a run had written there."""
    requests_per_minute: int | None = Field(None, ge=1, le=60_000)
    """Requests to the API with one token or from one address; without it, 6000, and no limit on loopback."""
    runs_at_once_per_user: int | None = Field(None, ge=1, le=10_000)
    """How many runs of a user are at work at once, in all processes together; without it, as many as there are."""
    runs_at_once_per_connection: dict[ConnectionName, Annotated[int, Field(ge=1, le=10_000)]] = {}
    """The same for the runs that may use the real account of a connection."""
    runs_at_once: int = Field(100, ge=0, le=10_000)
    """How many runs a process works on at once where the state is shared; 0: it only accepts them for others."""


class RetentionSettings(_Settings):
    """How long ended runs are kept; without settings, for ever."""

    days: int | None = Field(None, ge=1, le=36_500)
    demo_days: int | None = Field(None, ge=1, le=36_500)
    """Days for demo runs, if they are to be deleted earlier."""
    runs: int | None = Field(None, ge=1)
    """The maximum number of runs, keeping the newest."""

    @property
    def keeps_all(self) -> bool:
        """Return whether no run is ever deleted."""
        return self.days is self.demo_days is self.runs is None


def _is_notice_time(written: str) -> str:
    if not _NOTICE_TIME.fullmatch(written):
        raise Misfit("must be at_once, a number of hours or a time of day", 'Write at_once, 6h or "08:00".')
    return written


NoticeTime = Annotated[str, AfterValidator(_is_notice_time)]


class NotificationSettings(_Settings):
    """Who is notified if something needs a person, and of what: of triggers in any case."""

    workflow: str | None = Field(None, min_length=1)
    """Started for each notice."""
    webhook: str | None = Field(None, min_length=1)
    """Gets each notice as JSON: its https:// address, or `env:NAME` or `secret:NAME` for it."""
    failed_runs: NoticeTime | None = None
    """Notices of failed runs, too: `at_once`, every so many hours (`6h`), or at a time of day (`08:00`)."""
    sign_ins: bool = False
    """Notices of sign-ins, too: with new browsers, API tokens from new networks, and many that were refused."""
    refused_sign_ins: int = Field(20, ge=1, le=100_000)
    """How many within an hour count as many."""
    bounces: bool = False
    """Notices of mail that could not be delivered, too, as reports in the mailbox that sent it say."""


class CopilotSettings(_Settings):
    """Whether and which model the co-pilot asks (docs/copilot.md)."""

    is_on: bool = True
    """Whether anything may go to a model; rules and the documentation answer in any case."""
    connection: str = ""
    """A connection to a model; empty: `llm`, else the first one."""


class PluginSettings(_Settings):
    """Which installed packages are left out (docs/extending.md)."""

    disabled: list[str] = []
    """Their names, as `orchestra plugins list` shows them."""


class IngressSettings(_Settings):
    """The broker whose messages start runs (docs/ingress.md)."""

    url: str = ""
    """`nats://…`, `amqp://…` or `kafka://…`, or `env:NAME`."""
    topic: str = Field("workflows", pattern=r"^[a-z0-9_-]{1,64}$")
    """The topic, subject or queue; dead letters and statuses have their own, `NAME.dlq` and `NAME.status`."""
    group: str = Field("orchestra", pattern=r"^[a-z0-9_-]{1,64}$")
    """Consumers of one group share the messages."""
    user: str = ""
    """The principal in whose name messages start runs."""
    trusted: bool = False
    """Whether inputs count as a person's, and not as text from outside."""


class ConnectionSettings(BaseModel):
    """One account of a service; other keys are the service's own settings, as declared by its client."""

    model_config = ConfigDict(extra="allow", frozen=True)

    service: str = Field(min_length=1)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the service's own settings, with references to secrets unresolved."""
        return dict(self.model_extra or {})


def _is_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ValueError for a path, OSError for a folder of zones such as "Europe"
        raise Misfit("must be a time zone", "Write one such as Europe/Berlin.") from None
    return name


def _is_blob_place(place: str) -> str:
    require_place(place)
    return place


def _is_cache(address: str) -> str:
    if address and not address.startswith(("redis://", "rediss://", "env:", "secret:")):
        raise Misfit("must be the address of a Redis server", "Write redis://host:6379/0.")
    return address


def is_server(address: str) -> bool:
    """Return whether an address is one of a PostgreSQL server, as `state` may have it."""
    return address.startswith(("postgresql://", "postgresql+psycopg://"))


def _is_state(address: str) -> str:
    if address and not is_server(address):
        raise Misfit("must be the address of a PostgreSQL server", "Write postgresql+psycopg://host:5432/database.")
    return address


def _is_log_level(written: str) -> str:
    try:
        levels_of(written)
    except ValueError:
        raise Misfit(
            "must be debug, info, warning or error",
            "For a logger of its own, write such as `warning, engine.runner=debug`.",
        ) from None
    return written


def _is_queue(queue: str) -> str:
    if queue not in ("", "local", "postgres") and not queue.startswith(("taskiq+", "env:")):
        raise Misfit(
            "must be local, postgres, or the address of a broker",
            "Write taskiq+nats://host:4222 or taskiq+amqp://user:password@host/.",
        )
    return queue


TimeZone = Annotated[str, AfterValidator(_is_time_zone)]
BlobPlace = Annotated[str, AfterValidator(_is_blob_place)]

_KEPT = frozenset(
    ("workflows", "prompts", "agents", "environments", "tools", "projects", "files", "logs", FILE.casefold(), ".env")
)
"""What the folder of a workspace has for people, and what no state may be among."""


class Config(_Settings):
    """All settings of a workspace."""

    server: ServerSettings = ServerSettings()
    sign_in: SignInRules = SignInRules()
    worker: WorkerSettings = WorkerSettings()
    time_zone: TimeZone = "UTC"
    language: Literal["en"] = "en"
    model_defaults: ModelDefaults = ModelDefaults()
    connections: dict[ConnectionName, ConnectionSettings] = Field(default_factory=dict)
    limits: Limits = Limits()
    retention: RetentionSettings = RetentionSettings()
    notifications: NotificationSettings = NotificationSettings()
    ingress: IngressSettings = IngressSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    budgets: BudgetSettings = BudgetSettings()
    prices: PriceTable = {}
    code: CodeSettings = CodeSettings()
    copilot: CopilotSettings = CopilotSettings()
    plugins: PluginSettings = PluginSettings()
    default_environment: str = ""
    """The environment of runs that name no environment; empty: `dev`, or the first by name (docs/environments.md)."""
    log_format: Literal["text", "json"] = "text"
    """The format of the server's log."""
    log_level: Annotated[str, AfterValidator(_is_log_level)] = "warning"
    """What that log has: `debug`, `info`, `warning` or `error`, also for single loggers: `info, httpx=debug`."""
    state_dir: str = Field(".orchestra", min_length=1)
    logs: BlobPlace = ""
    """Where logs and large values are: `postgres` (with the state), or `s3://…`; empty: in the folder `logs/`."""
    state: Annotated[str, AfterValidator(_is_state)] = ""
    """The address of a PostgreSQL server for the state; empty: `state.db` in `state_dir`."""
    state_replica: Annotated[str, AfterValidator(_is_state)] = ""
    """The address of a replica of that server, which lists and reports are read from; empty: no replica."""
    cache: Annotated[str, AfterValidator(_is_cache)] = ""
    """The address of a Redis server for what may be lost, or `env:NAME`; empty: no cache."""
    queue: Annotated[str, AfterValidator(_is_queue)] = ""
    """Who works on accepted runs: `local`, the process that accepts them; `postgres`, any that shares the state.

    The address of a broker, or `env:NAME`: any that shares the state, and the broker notifies one of those that wait.
    Empty: `postgres` if the state is on such a server, else `local`.
    """

    @property
    def run_limits(self) -> RunLimits:
        """How many runs may be at work at once, in all processes together."""
        return RunLimits(self.limits.runs_at_once_per_user, self.limits.runs_at_once_per_connection)

    @property
    def shares_runs(self) -> bool:
        """Whether any process that shares the state works on the runs of each."""
        return bool(self.state) and self.queue != "local"


@dataclass(frozen=True)
class LoadedConfig:
    """The settings in force, and the environment (including `.env`) for references like `env:NAME`."""

    root: Path
    config: Config
    environment: Mapping[str, str] = field(repr=False)
    texts: TextStore | None = field(default=None, repr=False, compare=False)
    """Where the state keeps named texts, once it is open."""

    @property
    def vault(self) -> Vault:
        """The stored secrets for references like `secret:NAME`."""
        return Vault(self.root.resolve() / self.config.state_dir, lambda: self.environment, self.texts)

    def settings_of(self, connection: str) -> dict[str, Any]:
        """Return a connection's own settings (without `service`), with each `env:NAME` and `secret:NAME` replaced.

        Settings missing in the file may come from the variables that the service's own tools read (OPENAI_BASE_URL);
        a relative path in a `…_file` setting is relative to the workspace.
        Raises UnknownName for a connection that config.yaml does not have, InvalidInput for a variable not set or a
        secret not stored, SecretLost.
        """
        known = self.config.connections
        if connection not in known:
            raise UnknownName("connection", connection, list(known), remedy="`orchestra connections add` creates one.")
        secrets = ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value)
        settings: dict[str, Any] = secrets.resolved(known[connection].settings)
        service = declaration(known[connection].service)
        for key, variable in service.variables.items():
            if not settings.get(key) and self.environment.get(variable):
                settings[key] = self.environment[variable]
        if service.takes_default_model and not settings.get("model") and self.config.model_defaults.model:
            settings["model"] = self.config.model_defaults.model
        return {key: self._path(value) if key.endswith("_file") else value for key, value in settings.items()}

    def own_settings(self, service: str | None) -> dict[str, Any]:
        """Return the settings of a service that is used without a connection."""
        return self.config.code.model_dump() if service == CODE.name else {}

    def value_of(self, reference: str) -> str:
        """Return the value of `env:NAME` or `secret:NAME`; empty if nobody has given it. Raises SecretLost."""
        try:
            return ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value).of(reference)
        except InvalidInput:
            return ""

    @property
    def ingress_url(self) -> str:
        """The address of the broker whose messages start runs; empty without a broker. Raises InvalidInput."""
        return ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value).of(self.config.ingress.url)

    @property
    def sign_in_secret(self) -> str:
        """The client secret for the sign-in provider; empty without a provider. Raises InvalidInput, SecretLost."""
        secrets = ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value)
        return secrets.of(self.config.sign_in.client_secret)

    @property
    def cache_url(self) -> str:
        """The address of the cache; empty without a cache. Raises InvalidInput."""
        return ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value).of(self.config.cache)

    @property
    def queue_url(self) -> str:
        """The address of the broker that announces runs; empty without a broker. Raises InvalidInput."""
        if self.config.queue in ("", "local", "postgres"):
            return ""
        return ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value).of(self.config.queue)

    @property
    def notify(self) -> str | None:
        """How people are notified of questions: a workflow or the address of a webhook. Raises InvalidInput."""
        return self._target(self.config.approvals.notify, "approvals.notify", _IN_CLEAR)

    @property
    def webhook(self) -> str | None:
        """The address of the webhook that gets notices, if there is one. Raises InvalidInput."""
        target = self._target(self.config.notifications.webhook, "notifications.webhook", _NOTICES_IN_CLEAR)
        if target is not None and not is_address(target):
            raise InvalidInput(f"{FILE}: notifications.webhook: {_NO_ADDRESS}", remedy=_WITH_TLS)
        return target

    def _target(self, written: str | None, key: str, in_clear: str) -> str | None:
        if written is None:
            return None
        target = ReferenceSecrets(self.environment, lambda name: self.vault.kept(name).value).of(written)
        if is_in_clear(target):
            raise InvalidInput(f"{FILE}: {key}: {in_clear}", remedy=_WITH_TLS)
        return target

    def _path(self, value: Any) -> Any:
        return str(self.root / Path(value).expanduser()) if isinstance(value, str) else value


def is_address(target: str) -> bool:
    """Return whether people are notified at the address of a webhook, and not by the workflow of this name."""
    return target.startswith(_SCHEMES)


def is_in_clear(target: str) -> bool:
    """Return whether messages to this address would cross a network without TLS."""
    return target.startswith("http://") and not is_local(target)


_IN_CLEAR = "This address would get the link to each question in clear text, and whoever has the link can answer."
_NOTICES_IN_CLEAR = "This address would get errors of runs in clear text, which may quote anything."
_NO_ADDRESS = "It is not an address that a notice could be sent to."
_SCHEMES = ("https://", "http://")
_REFERENCES = ("env:", "secret:")
_WITH_TLS = "Give an address that begins with https://; http:// is for this machine only."


def load(root: Path, environment: Mapping[str, str] | None = None) -> LoadedConfig:
    """Return the settings of the workspace at `root`; `environment` replaces the process's own.

    Raises UnknownName if there is no config.yaml, and InvalidFile with every problem and its line.
    """
    if not os.path.lexists(root / FILE):
        raise UnknownName("workspace", str(root), remedy="`orchestra init DIR` creates one.")
    file = _parsed(read_text(root / FILE, FILE))
    # The environment of the process wins over `.env`.
    everything = {**read_dotenv(root / ".env"), **(os.environ if environment is None else environment)}
    return LoadedConfig(root, check(file, everything, root.resolve()), everything)


@lru_cache(maxsize=4)
def _parsed(text: str) -> YamlFile:
    """Parse a text once: a command asks for its settings several times. Nobody changes what is returned."""
    return parse(text, FILE)


def check(file: YamlFile, environment: Mapping[str, str], root: Path = Path("/workspace")) -> Config:
    """Return the settings of a parsed config.yaml under an environment. Raises InvalidFile.

    `root`: the resolved folder of the workspace, if it is known.
    """
    if file.value is not None and not isinstance(file.value, dict):
        raise InvalidFile.of(FILE, [file.problem((), "The settings must be keys and values.", "wrong_type")])
    written = _without_nulls(file.value or {})
    problems = [*_clear_secrets(file, written, ("connections",)), *_clear_secrets(file, written, ("sign_in",))]
    merged, origins, unknown = _overlaid(written, environment)
    problems += unknown
    config, repair = repaired(Config, merged, unquoted=("connections",))
    secret_fields = {problem.field for problem in problems}
    place = repair.written(("connections",))
    approvals = repair.written(("approvals",))
    if config is not None:
        switch_off(config.plugins.disabled)
    others = [*_service_faults(merged.get(str(place[0])), place), *_approval_faults(config, approvals)]
    others += [*_state_faults(config, root), *_notice_faults(config)]
    for fault in [*repair.faults, *others]:
        problem = _problem(file, structs.replace(fault, path=repair.written(fault.path)), origins)
        if problem.field not in secret_fields:
            problems.append(problem)
    if problems or config is None:
        name = "The environment" if all(one.file == ENVIRONMENT for one in problems) else FILE
        raise InvalidFile.of(name, sorted(problems, key=lambda one: (one.line, one.column)))
    return config


def _service_faults(connections: Any, place: Place) -> Iterator[Fault]:
    """Yield the faults that each service's client finds in its connections' settings, even under a misspelt key."""
    for name, written in connections.items() if isinstance(connections, dict) else ():
        if not isinstance(written, dict) or not isinstance(written.get("service"), str) or not written["service"]:
            continue  # reported already
        settings = {key: value for key, value in written.items() if key != "service"}
        try:
            model = declaration(written["service"]).settings
        except UnknownName as error:
            yield Fault((*place, name, "service"), error.message, "unknown_service", error.remedy)
            continue
        _, repair = repaired(model, settings, unquoted=())
        for fault in repair.faults:
            yield structs.replace(fault, path=(*place, name, *repair.written(fault.path)))


def _approval_faults(config: Config | None, place: Place) -> Iterator[Fault]:
    """Yield a fault for each rule about a step type that it does not fit, and for a webhook without TLS."""
    if config is None:
        return
    for name, rule in (config.approvals.model_extra or {}).items():
        from engine.compiler.definition.approval_faults import fault_of  # few files have such rules

        if is_of_workspace(name):  # its tools are known only later, and may come back
            continue
        if fault := fault_of(name, rule):
            message, code, remedy = fault
            yield Fault((*place, name), message, code, remedy, is_about_key=True)
    if config.approvals.notify is not None and is_in_clear(config.approvals.notify):
        yield Fault((*place, "notify"), _IN_CLEAR, "wrong_value", _WITH_TLS)


def _notice_faults(config: Config | None) -> Iterator[Fault]:
    """Yield a fault for notices that go nowhere, to two places, or in clear text."""
    if config is None:
        return
    told = config.notifications
    place, webhook = ("notifications", "webhook"), told.webhook or ""
    if webhook and not _WEBHOOK.match(webhook) and not webhook.startswith(_REFERENCES):
        yield Fault(place, f"'webhook' is {webhook!r}. {_NO_ADDRESS}", "wrong_value", _WITH_TLS)
    elif is_in_clear(webhook):
        yield Fault(place, _NOTICES_IN_CLEAR, "wrong_value", _WITH_TLS)
    if webhook and told.workflow:
        yield Fault(place, "Both 'workflow' and 'webhook' are set.", "wrong_value", "Keep one of the two.")
    for name in ("failed_runs", "sign_ins", "bounces"):
        if getattr(told, name) and not (webhook or told.workflow):
            said = f"{name!r} says of what people are notified, and nothing says how."
            yield Fault(("notifications", name), said, "missing", "Set `workflow` or `webhook` beside it.")


def _state_faults(config: Config | None, root: Path) -> Iterator[Fault]:
    """Yield a fault for a replica of a file, or if the state's folder is around what the workspace has for people."""
    if config is None:
        return
    if config.state_replica and not config.state:
        said = "'state_replica' names a replica of a PostgreSQL server, and the state is a file."
        yield Fault(("state_replica",), said, "wrong_value", "Name the server as `state`, or leave this out.")
    state = Path(os.path.normpath(root / config.state_dir))
    first = state.relative_to(root).parts[:1] if state.is_relative_to(root) else ()
    if root.is_relative_to(state):
        said = "is, or is around, the folder of the workspace"
    elif first and first[0].casefold() in _KEPT:
        said = f"is in {first[0]!r}, where other files of the workspace are"
    else:
        return
    message = f"'state_dir' is {config.state_dir!r}, which {said}: the state needs a folder of its own."
    yield Fault(("state_dir",), message, "wrong_value", "Leave it out for .orchestra, or name another folder.")


def warnings(loaded: LoadedConfig, is_user: IsUser, workflows: Callable[[], Collection[str]]) -> list[Problem]:
    """Return what the settings may not have meant: people, connections and workflows that do not exist."""
    found: list[tuple[tuple[str, ...], str, str]] = []
    for name, rule in loaded.config.approvals.rules.items():
        from engine.compiler.definition.approval_faults import strangers  # few files have such rules

        found += [(("approvals", name, "by"), *told) for told in strangers(rule, is_user)]
    for name in loaded.config.limits.runs_at_once_per_connection:
        if name not in loaded.config.connections:
            said = f"There is no connection {name!r}, so this limits nothing."
            found.append((("limits", "runs_at_once_per_connection", name), said, "Correct the name, or remove it."))
    asked = {
        ("approvals", "notify"): loaded.config.approvals.notify,
        ("notifications", "workflow"): loaded.config.notifications.workflow,
    }
    named = {place: name for place, name in asked.items() if name and not name.startswith((*_SCHEMES, *_REFERENCES))}
    known = workflows() if named else ()
    for place, name in named.items():
        if name not in known:
            said = f"There is no workflow {name!r}, so nobody is notified."
            found.append((place, said, "Correct the name, or create the workflow."))
    if not found:
        return []
    file = parse(read_text(loaded.root / FILE, FILE), FILE)
    _, origins, _ = _overlaid(file.value or {}, loaded.environment)
    problems = [_problem(file, Fault(place, said, place[0], remedy), origins) for place, said, remedy in found]
    return [replace(one, severity="warning") for one in problems]


def _without_nulls(written: dict[str, Any]) -> dict[str, Any]:
    """Drop keys without a value (all their lines are comments): they have their default."""
    return {key: value for key, value in written.items() if value is not None}


def _clear_secrets(file: YamlFile, value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    found = value
    for part in path:
        found = found.get(part) if isinstance(found, dict) else found[int(part)]
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, item in inner:
        if is_clear_secret(str(key), item):
            variable = str(path[-1]).upper().replace("-", "_") + "_" + str(key).upper().replace("-", "_")
            remedy = f"Put {variable}=… into .env and write `{key}: env:{variable}` here."
            said = f"{key!r} contains a secret in plain text, and this file is meant for git."
            yield file.problem((*path, key), said, "clear_secret", remedy)
        elif isinstance(item, dict | list):
            yield from _clear_secrets(file, value, (*path, key))


def _overlaid(
    written: dict[str, Any], environment: Mapping[str, str]
) -> tuple[dict[str, Any], dict[tuple[str, ...], str], list[Problem]]:
    """Override the file with variables such as `ORCHESTRA_SERVER__PORT=9000`.

    Returns the settings, the variable behind each path set by one, and a problem for each misspelt variable.
    """
    merged, origins, problems = deepcopy(written), {}, []
    for variable in sorted(name for name in environment if name.startswith(PREFIX)):
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if path[0] in Config.model_fields:
            _put(merged, path, environment[variable])
            origins[path] = variable
        elif len(path) > 1:
            said = f"The variable {variable} does not match any setting."
            known = ", ".join(f"{PREFIX}{key.upper()}" for key in Config.model_fields)
            problems.append(
                Problem(said, "unknown_key", file=ENVIRONMENT, line=0, column=0, remedy=f"Settings begin with {known}.")
            )
    return merged, origins, problems


def _put(merged: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    target = merged
    for part in path[:-1]:
        if not isinstance(target.get(part), dict):
            target[part] = {}
        target = target[part]
    target[path[-1]] = value


def _problem(file: YamlFile, fault: Fault, origins: Mapping[tuple[str, ...], str]) -> Problem:
    variable = origins.get(tuple(str(part) for part in fault.path))
    if variable:
        said = f"The variable {variable}: {fault.message}"
        field = ".".join(map(str, fault.path))
        return Problem(said, fault.code, file=ENVIRONMENT, line=0, column=0, field=field, remedy=fault.remedy)
    return file.problem(fault.path, fault.message, fault.code, fault.remedy)
