"""The settings of a workspace: defaults, over them config.yaml, over that the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from engine.compiler.repair import repaired
from engine.compiler.shapes import Fault, Misfit
from engine.compiler.shapes import Path as Place
from engine.connections.safe import Safe
from engine.connections.services import client_class
from engine.errors import InvalidFile, Problem, UnknownName
from engine.names import NAME
from engine.workspace.dotenv import read_dotenv
from engine.workspace.jsonfile import read_text
from engine.workspace.secret import Secrets, is_clear_secret
from engine.workspace.yamlfile import YamlFile, parse

FILE = "config.yaml"
PREFIX = "ORCHESTRA_"
_NOT_YET = ("approvals", "prices")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Settings):
    """Where the dashboard and the API listen."""

    host: str = "127.0.0.1"
    port: int = Field(8501, ge=1, le=65535)


class ModelDefaults(_Settings):
    """What holds for model steps that say nothing else."""

    model: str = "gpt-4.1-mini"


class Limits(_Settings):
    """How much may go on at once in one process."""

    calls_at_once: int = Field(8, ge=1, le=64)
    lease_seconds: float = Field(30, ge=1, le=3600)


class RetentionSettings(_Settings):
    """How long runs that have ended are kept; nothing said keeps them all."""

    days: int | None = Field(None, ge=1)
    demo_days: int | None = Field(None, ge=1)
    """For runs of the demo, where they are to go earlier."""
    runs: int | None = Field(None, ge=1)
    """At most so many, the newest."""

    @property
    def keeps_all(self) -> bool:
        """Tell whether no run ever goes."""
        return self.days is self.demo_days is self.runs is None


class NotificationSettings(_Settings):
    """Who is told where something needs a person."""

    workflow: str | None = Field(None, min_length=1)
    """Started when a trigger needs somebody, and once when it is well again."""


class ConnectionSettings(BaseModel):
    """One account of a service; further keys are that service's own settings, as its client declares them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    service: str = Field(min_length=1)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the service's own settings, references to secrets still unresolved."""
        return dict(self.model_extra or {})


def _is_name(name: str) -> str:
    if not NAME.match(name):
        said = f"the name {name!r} takes lower-case letters, digits, '-' and '_' only"
        raise Misfit(said, "Give the connection another name, such as 'work-github'.")
    return name


ConnectionName = Annotated[str, AfterValidator(_is_name)]


class Config(_Settings):
    """All settings of a workspace."""

    server: ServerSettings = ServerSettings()
    time_zone: str = "UTC"
    language: Literal["en"] = "en"
    model_defaults: ModelDefaults = ModelDefaults()
    connections: dict[ConnectionName, ConnectionSettings] = Field(default_factory=dict)
    limits: Limits = Limits()
    retention: RetentionSettings = RetentionSettings()
    notifications: NotificationSettings = NotificationSettings()
    state_dir: str = Field(".orchestra", min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise Misfit("must be a time zone", "Write one such as Europe/Berlin.") from None
        return name


@dataclass(frozen=True)
class LoadedConfig:
    """The settings in force, and the environment (`.env` under the real one) that `env:NAME` refers to."""

    root: Path
    config: Config
    environment: Mapping[str, str] = field(repr=False)

    @property
    def safe(self) -> Safe:
        """The kept secrets that `secret:NAME` refers to."""
        return Safe(self.root.resolve() / self.config.state_dir, lambda: self.environment)

    def settings_of(self, connection: str) -> dict[str, Any]:
        """Return a connection's own settings (without `service`), each `env:NAME` and `secret:NAME` replaced.

        What the file leaves out may come from the variables that the service's own tools read (OPENAI_BASE_URL);
        the path of a `…_file` that is not absolute begins at the workspace.
        Raises UnknownName for a connection that config.yaml does not have, InvalidInput for a variable not set or a
        secret that is not kept, SecretLost.
        """
        known = self.config.connections
        if connection not in known:
            raise UnknownName("connection", connection, list(known), remedy="`orchestra connections add` makes one.")
        secrets = Secrets(self.environment, lambda name: self.safe.kept(name).value)
        settings: dict[str, Any] = secrets.resolved(known[connection].settings)
        service = known[connection].service
        for key, variable in getattr(client_class(service), "more_variables", {}).items():
            if not settings.get(key) and self.environment.get(variable):
                settings[key] = self.environment[variable]
        if service == "openai" and not settings.get("model") and self.config.model_defaults.model:
            settings["model"] = self.config.model_defaults.model
        return {key: self._path(value) if key.endswith("_file") else value for key, value in settings.items()}

    def _path(self, value: Any) -> Any:
        return str(self.root / Path(value).expanduser()) if isinstance(value, str) else value


def load(root: Path, environment: Mapping[str, str] | None = None) -> LoadedConfig:
    """Return the settings of the workspace at `root`; `environment` stands in for the process's own.

    Raises UnknownName where there is no config.yaml, and InvalidFile with every problem and its line.
    """
    if not os.path.lexists(root / FILE):
        raise UnknownName("workspace", str(root), remedy="`orchestra init DIR` makes one.")
    file = parse(read_text(root / FILE, FILE), FILE)
    everything = {**read_dotenv(root / ".env"), **(os.environ if environment is None else environment)}
    return LoadedConfig(root, check(file, everything), everything)


def check(file: YamlFile, environment: Mapping[str, str]) -> Config:
    """Return the settings of a parsed config.yaml under an environment. Raises InvalidFile."""
    if file.value is not None and not isinstance(file.value, dict):
        raise InvalidFile.of(FILE, [file.problem((), "The settings are keys and values.", "wrong_type")])
    written = _without_nulls(file.value or {})
    problems = [*_unavailable(file, written), *_clear_secrets(file, written, ("connections",))]
    wanted = {key: value for key, value in written.items() if key not in _NOT_YET}
    merged, origins, unknown = _overlaid(wanted, environment)
    problems += unknown
    config, repair = repaired(Config, merged)
    secret_fields = {problem.field for problem in problems}
    place = repair.written(("connections",))
    for fault in [*repair.faults, *_service_faults(merged.get(str(place[0])), place)]:
        problem = _problem(file, replace(fault, path=repair.written(fault.path)), origins)
        if problem.field not in secret_fields:
            problems.append(problem)
    if problems or config is None:
        raise InvalidFile.of(FILE, sorted(problems, key=lambda one: (one.line, one.column)))
    return config


def _service_faults(connections: Any, place: Place) -> Iterator[Fault]:
    """Give what each service's client has against the settings of its connections, wrongly named ones included."""
    for name, written in connections.items() if isinstance(connections, dict) else ():
        if not isinstance(written, dict) or not isinstance(written.get("service"), str) or not written["service"]:
            continue  # told already
        settings = {key: value for key, value in written.items() if key != "service"}
        try:
            model = client_class(written["service"]).Settings
        except UnknownName as error:
            yield Fault((*place, name, "service"), error.message, "unknown_service", error.remedy)
            continue
        _, repair = repaired(model, settings)
        for fault in repair.faults:
            yield replace(fault, path=(*place, name, *repair.written(fault.path)))


def _without_nulls(written: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing after it (all its lines are comments) means the default."""
    return {key: value for key, value in written.items() if value is not None}


def _unavailable(file: YamlFile, written: Mapping[str, Any]) -> Iterator[Problem]:
    for key in _NOT_YET:
        if written.get(key):
            remedy = "Remove it: a setting that changes nothing would mislead."
            yield file.problem((key,), f"{key!r} is not available yet.", "not_available_yet", remedy)


def _clear_secrets(file: YamlFile, value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    found = value
    for part in path:
        found = found.get(part) if isinstance(found, dict) else found[int(part)]
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, item in inner:
        if is_clear_secret(str(key), item):
            variable = str(path[-1]).upper().replace("-", "_") + "_" + str(key).upper().replace("-", "_")
            remedy = f"Put {variable}=… into .env and write `{key}: env:{variable}` here."
            said = f"{key!r} holds a secret in clear, and this file is meant for git."
            yield file.problem((*path, key), said, "clear_secret", remedy)
        elif isinstance(item, dict | list):
            yield from _clear_secrets(file, value, (*path, key))


def _overlaid(
    written: dict[str, Any], environment: Mapping[str, str]
) -> tuple[dict[str, Any], dict[tuple[str, ...], str], list[Problem]]:
    """Lay `ORCHESTRA_SERVER__PORT=9000` and its like over the file.

    Returns the settings, the variable behind each path that one set, and a problem for each misspelt variable.
    """
    merged, origins, problems = deepcopy(written), {}, []
    for variable in sorted(name for name in environment if name.startswith(PREFIX)):
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if path[0] in Config.model_fields:
            _put(merged, path, environment[variable])
            origins[path] = variable
        elif len(path) > 1:
            said = f"The environment variable {variable} names no setting."
            known = ", ".join(f"{PREFIX}{key.upper()}" for key in Config.model_fields)
            problems.append(Problem(said, "unknown_key", file=FILE, remedy=f"Settings begin with {known}."))
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
        said = f"The environment variable {variable}: {fault.message}"
        return Problem(said, fault.code, file=FILE, field=".".join(map(str, fault.path)), remedy=fault.remedy)
    return file.problem(fault.path, fault.message, fault.code, fault.remedy)
