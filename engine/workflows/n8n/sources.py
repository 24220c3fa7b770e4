"""Where the fields of a step come from: parameters of a node, alone or several at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from engine.workflows.n8n.export import Json, objects
from engine.workflows.n8n.script import ScriptNames
from engine.workflows.n8n.texts import Missed, json_of, list_of, value_of

_KEY = re.compile(r"authorization|cookie|token|secret|password|passwd|api.?key|credential", re.IGNORECASE)
"""Names of what is usually a key."""
_LIMIT = 50  # of n8n's nodes that read, where the file has none
_UNSET: tuple[Any, ...] = (None, "", False, [], {})
_MEANT = frozenset(
    "resource operation authentication select simple returnAll mappingMode promptType hasOutputParser sendQuery "
    "sendBody "
    "sendHeaders contentType specifyBody specifyQuery specifyHeaders emailType pollTimes model modelId guildId columns "
    "jsonParameters emailFormat workflowInputs mode event events httpMethod path provideSslCertificates".split()
)
"""Parameters that choose a row, or that have no meaning here."""
LEFT_OUT = "\0"
"""What a source gives for a field that is not set."""


class Parameters(Struct, frozen=True):
    """The parameters of a node, to be translated."""

    parameters: Json
    names: ScriptNames
    missed: Missed
    read: set[str] = field(default_factory=set)
    """The paths that were looked at."""

    def at(self, path: str) -> Any:
        """Return a parameter as it is in the file, `options.limit` from within; None if it is missing."""
        self.read.add(path)
        found: Any = self.parameters
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def unread(self) -> list[str]:
        """Return the paths of the parameters that are set, mean something, and were not looked at."""
        found = list[str]()
        for name, value in self.parameters.items():
            inner = value.items() if isinstance(value, Mapping) and "__rl" not in value else ()
            found += (
                [f"{name}.{part}" for part, one in inner if one not in _UNSET]
                if inner
                else [name] * (value not in _UNSET)
            )
        looked = {one.split(".", 2)[0] for one in self.read if "." not in one} | {
            ".".join(one.split(".")[:2]) for one in self.read
        }
        return [one for one in found if one not in looked and one.partition(".")[0] not in looked | _MEANT]

    def value(self, path: str) -> Any:
        """Return a parameter as the value of a field, `LEFT_OUT` if it is missing or empty."""
        found = self.at(path)
        if isinstance(found, Mapping) and found.get("__rl") is True:
            found = found.get("value")
        return LEFT_OUT if found is None or found == "" else value_of(found, self.names, self.missed)


Maker = Callable[[Parameters], Any]
Source = str | Maker
"""The path of a parameter, or what makes a value of several."""


def listed(path: str) -> Maker:
    """Return what makes a list of texts of a parameter, which has commas between them."""

    def made(given: Parameters) -> Any:
        found = given.at(path)
        return list_of(found, given.names, given.missed) if found else LEFT_OUT

    return made


def picked(path: str, member: str) -> Maker:
    """Return a list of one member of each object in a list, such as the labels of an issue."""

    def made(given: Parameters) -> Any:
        found = given.at(path)
        if not isinstance(found, list) or not found:
            return LEFT_OUT
        names = [one.get(member, "") if isinstance(one, Mapping) else one for one in found]
        return value_of(names, given.names, given.missed)

    return made


def pairs(path: str, name: str = "name", value: str = "value") -> Maker:
    """Return an object of a list of {name, value}."""

    def made(given: Parameters) -> Any:
        found = given.at(path)
        if not isinstance(found, list) or not found:
            return LEFT_OUT
        rows = [one for one in found if isinstance(one, Mapping) and one.get(name)]
        return {str(one[name]): value_of(one.get(value, ""), given.names, given.missed) for one in rows}

    return made


def headers(given: Parameters) -> Any:
    """Return the headers of a request without those that are keys, which belong in a connection."""
    found = pairs("headerParameters.parameters")(given)
    if found == LEFT_OUT:
        return found
    keys = [name for name in found if _KEY.search(name)]
    given.missed.extend(f"the header {name}, whose value belongs in a connection" for name in keys)
    return {name: value for name, value in found.items() if name not in keys} or LEFT_OUT


def without_keys(found: Any) -> Any:
    """Return parameters with what may be a key left out."""
    if isinstance(found, Mapping):
        return {
            name: "…" if _KEY.search(str(name)) and isinstance(one, str) else without_keys(one)
            for name, one in found.items()
        }
    return [without_keys(one) for one in found] if isinstance(found, list) else found


def repository(given: Parameters) -> Any:
    """Return the owner and name of a repository."""
    owner, name = given.value("owner"), given.value("repository")
    return LEFT_OUT if LEFT_OUT in (owner, name) else f"{owner}/{name}"


def either(*paths: str) -> Maker:
    """Return what takes the first of several parameters that is set."""
    return lambda given: next((one for one in map(given.value, paths) if one != LEFT_OUT), LEFT_OUT)


def limit(most: int) -> Maker:
    """Return what takes the limit of a node that reads; `most` if it reads all."""

    def made(given: Parameters) -> Any:
        found = given.value("limit")
        return most if given.at("returnAll") is True else _LIMIT if found == LEFT_OUT else found

    return made


def number(path: str) -> Maker:
    """Return a whole number, which n8n also keeps as a text."""

    def made(given: Parameters) -> Any:
        found = given.value(path)
        return (
            int(found) if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 10 else found
        )

    return made


def method(given: Parameters) -> Any:
    """Return the method of a request."""
    return str(given.at("method") or "GET").upper()


def json_body(given: Parameters) -> Any:
    """Return what an HTTP Request sends as JSON."""
    if given.at("sendBody") is not True or given.at("contentType") not in (None, "json"):
        return LEFT_OUT
    if given.at("specifyBody") != "json":
        return pairs("bodyParameters.parameters")(given)
    found = given.at("jsonBody")
    return json_of(found, given.names, given.missed) if isinstance(found, str) else given.value("jsonBody")


def form_body(given: Parameters) -> Any:
    """Return what an HTTP Request sends as a form."""
    if given.at("sendBody") is not True or given.at("contentType") != "form-urlencoded":
        return LEFT_OUT
    return pairs("bodyParameters.parameters")(given)


def raw_body(given: Parameters) -> Any:
    """Return what an HTTP Request sends as a text."""
    return given.value("body") if given.at("contentType") == "raw" else LEFT_OUT


def mail_text(given: Parameters) -> Any:
    """Return the text of a mail: as HTML only if the node says so."""
    return LEFT_OUT if _is_html(given) else either("message", "text")(given)


def mail_html(given: Parameters) -> Any:
    """Return the HTML of a mail, if the node says that it is HTML."""
    return given.value("message") if _is_html(given) else LEFT_OUT


def _is_html(given: Parameters) -> bool:
    """Return whether a mail is HTML: of Gmail's node that is so where the file does not say, but not of its drafts."""
    return given.at("emailType") in ("html", None if given.at("resource") != "draft" else "html")


def labels(given: Parameters) -> Any:
    """Return the labels of a mail."""
    return list_of(given.at("labelIds"), given.names, given.missed) if given.at("labelIds") else LEFT_OUT


def chat(given: Parameters) -> Any:
    """Return the messages of a model's node: OpenAI's list, a chain's or agent's text and system message."""
    found = list[dict[str, Any]]()
    for one in objects(given.at("messages.values")):
        content = value_of(one.get("content", ""), given.names, given.missed)
        found.append({"role": str(one.get("role", "user")), "content": content})
    for one in objects(given.at("messages.messageValues")):
        if isinstance(one, Mapping) and one.get("message"):
            found.append({"role": "system", "content": value_of(one["message"], given.names, given.missed)})
    system, text = given.value("options.systemMessage"), either("text", "prompt")(given)
    if system != LEFT_OUT:
        found.insert(0, {"role": "system", "content": system})
    if text != LEFT_OUT:
        found.append({"role": "user", "content": text})
    return found or LEFT_OUT


def notion_properties(given: Parameters) -> Any:
    """Return the properties of a Notion page: n8n writes `Name|type`, and the value in a member named by the type."""
    found = dict[str, Any]()
    for one in objects(given.at("propertiesUi.propertyValues")):
        if not isinstance(one, Mapping) or "|" not in str(one.get("key")):
            continue
        name, kind = str(one["key"]).rsplit("|", 1)
        member = {
            "title": "title",
            "rich_text": "textContent",
            "number": "numberValue",
            "select": "selectValue",
            "multi_select": "multiSelectValue",
            "status": "statusValue",
            "checkbox": "checkboxValue",
            "url": "urlValue",
            "email": "emailValue",
            "phone_number": "phoneValue",
            "date": "date",
        }.get(kind)
        if member is None:
            given.missed.append(f"the property {name!r}")
        elif kind != "title":
            found[name] = value_of(one.get(member, ""), given.names, given.missed)
    return found or LEFT_OUT


def notion_title(given: Parameters) -> Any:
    """Return the title of a Notion page, which may be one of its properties."""
    title = given.value("title")
    if title != LEFT_OUT:
        return title
    for one in objects(given.at("propertiesUi.propertyValues")):
        if isinstance(one, Mapping) and str(one.get("key")).endswith("|title"):
            return value_of(one.get("title", ""), given.names, given.missed)
    return LEFT_OUT


def notion_blocks(given: Parameters) -> Any:
    """Return the texts of blocks as Markdown."""
    texts = [
        value_of(one.get("textContent", ""), given.names, given.missed)
        for one in objects(given.at("blockUi.blockValues"))
        if isinstance(one, Mapping)
    ]
    return "\n\n".join(map(str, texts)) or LEFT_OUT


def row_values(given: Parameters) -> Any:
    """Return the cells of a row by column."""
    found = given.at("columns.value")
    if isinstance(found, Mapping) and found:
        return value_of(dict(found), given.names, given.missed)
    return pairs("fieldsUi.values", "column", "fieldValue")(given)


def key_column(given: Parameters) -> Any:
    """Return the column by which a row of a sheet is found."""
    found = given.at("columns.matchingColumns")
    return str(found[0]) if isinstance(found, list) and found else given.value("columnToMatchOn")


def key_of_row(given: Parameters) -> Any:
    """Return what that column of the row has."""
    found = row_values(given)
    return found.get(key_column(given), LEFT_OUT) if isinstance(found, dict) else LEFT_OUT
