"""Every action that all faces offer on files: its command, its request, and what a person does on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.files.atomic import etag
from engine.people.access import Right
from tests.faces.conftest import Open

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """An action with arguments that it takes, and such as it refuses, by the type of error."""

    name: str
    right: Right
    audit: str
    """What the trail calls it."""
    command: Callable[..., Sequence[str]]
    request: Callable[..., tuple[str, str, Any]]
    page: Callable[..., AppTest] | None
    """None: in the browser, where the component of the page sends the request (tests/browser/test_canvas.py)."""
    good: Arguments
    refused: Sequence[tuple[str, Arguments]] = ()
    before: Sequence[Callable[[Any], object]] = ()
    """What is done to the engine first."""
    hidden: tuple[str, Mapping[str, str], str] | None = None
    """(page, its parameters, key of the widget) which those who may not do it are not shown."""
    not_on_page: Sequence[Mapping[str, Any]] = field(default=())
    """Refused arguments that a person has no way to give."""


def dialog(at: AppTest, opened: Callable[[AppTest], object], fill: Callable[[AppTest], object], press: str) -> AppTest:
    """Fill a dialog and press its button; here each run has to open it again."""
    opened(at)
    at.run()
    opened(at)
    fill(at)
    opened(at)
    at.button(key=press).click()
    return at.run()


def _menu(key: str, action: str) -> Callable[[AppTest], object]:
    return lambda at: at.menu_button(key=key).click(action)


def _new_workflow(go: Open, name: str) -> AppTest:
    def fill(at: AppTest) -> None:
        at.text_input(key="empty-name").set_value(name)

    return dialog(go("new-workflow"), lambda at: at.button(key="new-empty").click(), fill, "empty-make")


def _file(kind: str, action: str, press: str, field_key: str) -> Callable[..., AppTest]:
    def act(go: Open, name: str, new: str = "") -> AppTest:
        def fill(at: AppTest) -> None:
            if new:
                at.text_input(key=f"{field_key}-{name}").set_value(new)

        key = f"menu-{name}" if kind == "workflow" else f"menu-{kind}-{name}"
        return dialog(go(f"{kind}s"), _menu(key, action), fill, press)

    return act


def _new_prompt(go: Open, name: str) -> AppTest:
    def fill(at: AppTest) -> None:
        at.text_input(key="new-prompt-name").set_value(name)

    return dialog(go("prompts"), lambda at: at.button(key="new-prompt").click(), fill, "new-prompt-make")


_TEXT = "---\nname: other\ntitle: Imported\n---\n\n<!-- role: user -->\nHello\n"


def _import_command(name: str, text: str) -> Sequence[str]:
    file = Path(mkdtemp(prefix="orchestra-faces-")) / "prompt.md"
    file.write_text(text)
    return ["prompts", "import", str(file), "--name", name]


def _import_prompt(go: Open, name: str, text: str) -> AppTest:
    def fill(at: AppTest) -> None:
        at.text_area(key="import-prompt-text").set_value(text)
        at.text_input(key="import-prompt-name").set_value(name)

    return dialog(go("prompts"), lambda at: at.button(key="import-prompt").click(), fill, "import-prompt-make")


def _set_command(name: str, text: str) -> Sequence[str]:
    file = Path(mkdtemp(prefix="orchestra-faces-")) / "fragment.md"
    file.write_text(text)
    return ["fragments", "set", name, str(file)]


def _fragments_tab(go: Open) -> AppTest:
    at = go("prompts")
    at.query_params["tab"] = "fragments"
    return at.run()


def _new_fragment(go: Open, name: str, text: str) -> AppTest:
    def fill(at: AppTest) -> None:
        at.text_input(key="new-fragment-name").set_value(name)
        at.text_area(key="new-fragment-text").set_value(text)

    return dialog(_fragments_tab(go), lambda at: at.button(key="new-fragment").click(), fill, "new-fragment-make")


def _change_fragment(go: Open, name: str, text: str) -> AppTest:
    at = go("fragment", name=name)
    at.text_area[0].set_value(text).run()
    return at.button(key=f"save-fragment-{name}").click().run()


def _fragment(action: str, press: str) -> Callable[..., AppTest]:
    def act(go: Open, name: str, new: str = "") -> AppTest:
        def fill(at: AppTest) -> None:
            if new:
                at.text_input(key=f"rename-name-{name}").set_value(new)

        return dialog(_fragments_tab(go), _menu(f"menu-fragment-{name}", action), fill, press)

    return act


def _shared_tone(orchestra: Any) -> None:
    """Let a prompt and a fragment name a fragment."""
    orchestra.fragments.save(_local(), "tone", "Be kind.", None)
    orchestra.fragments.save(_local(), "spare", "{{ fragment('tone') }}", None)
    file = orchestra.prompts.get(_local(), "classify-mail")
    text = file.text.replace('"content": [', '"content": ["{{ fragment(\\"tone\\") }}",', 1)
    orchestra.prompts.save(_local(), "classify-mail", text, file.etag)


def _versions_tab(go: Open, name: str) -> AppTest:
    at = go("prompt", name=name)
    at.query_params["tab"] = "versions"
    return at.run()


def _undeclared(orchestra: Any) -> None:
    """Let a prompt use variables that it does not declare, two of them in one expression."""
    file = orchestra.prompts.get(_local(), "classify-mail")
    text = file.text.replace('"content": [', '"content": ["{{ tone }} {{ day + month }}",', 1)
    orchestra.prompts.save(_local(), "classify-mail", text, file.etag)


def _declare(go: Open, name: str) -> AppTest:
    at = go("prompt", name=name)
    at.button(key=f"declare-{name}").click().run()
    return at.button(key=f"save-{name}").click().run()


def _set_label(go: Open, name: str, label: str, version: int) -> AppTest:
    at = _versions_tab(go, name)
    at.selectbox(key=f"version-{name}").set_value(version).run()
    at.selectbox(key=f"label-name-{name}").set_value(label).run()
    return at.button(key=f"label-set-{name}").click().run()


def _set_protected(go: Open, name: str, label: str, version: int, reason: str = "") -> AppTest:
    at = _set_label(go, name, label, version)
    box = [one for one in at.text_input if one.label == "Reason"]
    if not reason or not box:
        return at
    box[0].set_value(reason).run()
    return at.button(key=f"move-anyway-{name}").click().run()


def _protect(go: Open, name: str, label: str) -> AppTest:
    return _versions_tab(go, name).button(key=f"label-protect-{name}-{label}").click().run()


def _remove_label(go: Open, name: str, label: str) -> AppTest:
    at = _versions_tab(go, name)
    return at.button(key=f"label-remove-{name}-{label}").click().run()


def _tag(go: Open, name: str, add: Sequence[str]) -> AppTest:
    at = go("prompt", name=name)
    box = next(one for one in at.multiselect if str(one.key).startswith(f"tags-{name}-"))
    at.session_state[str(box.key)] = [*add]
    at.run()
    return at.button(key=f"tags-set-{name}").click().run()


def _add_user(go: Open, user_id: str, role: str) -> AppTest:
    def fill(at: AppTest) -> None:
        at.text_input(key="new-user-id").set_value(user_id)
        at.radio(key="new-user-role").set_value(role)
        at.run()
        at.button(key="add-user").click()

    return dialog(go("users"), lambda at: at.button(key="add-user").click(), fill, "new-user-make")


def _set_role(go: Open, user_id: str, role: str) -> AppTest:
    at = go("users")
    next(one for one in at.selectbox if str(one.key).startswith(f"role-{user_id}-")).set_value(role).run()
    return at.button(key=f"set-role-{user_id}").click().run()


def _remove_user(go: Open, user_id: str) -> AppTest:
    return dialog(
        go("users"), lambda at: at.button(key=f"remove-{user_id}").click(), lambda _at: None, "remove-user-make"
    )


def _signed_in(orchestra: Any) -> None:
    orchestra.users.add(_local(), "guest", "Guest", "viewer")
    assert orchestra.users.redeem(orchestra.users.login_link(_local(), "guest"), "192.0.2.7", "Browser/1.0")


def _saved_version(orchestra: Any) -> None:
    from tests.faces.conftest import LOCAL

    file = orchestra.prompts.get(LOCAL, "classify-mail")
    orchestra.prompts.save_version(LOCAL, "classify-mail", file.text, file.etag, "staging")


def _protected(orchestra: Any) -> None:
    from tests.faces.conftest import LOCAL

    _saved_version(orchestra)
    orchestra.prompts.protect(LOCAL, "classify-mail", "staging")


def _open_nap(orchestra: Any) -> None:
    from tests.faces.conftest import LOCAL

    run_id = orchestra.runs.start(LOCAL, "nap", {})
    assert orchestra.runs.wait(LOCAL, run_id, 60)["status"] == "waiting"


_NAMES: Sequence[tuple[str, str]] = (
    ("InvalidInput", "Übung Eins"),
    ("InvalidInput", "nul"),
    ("InvalidInput", "../up"),
    ("InvalidInput", "Big"),
    ("InvalidInput", "a b"),
)
WORKFLOWS = [
    Action(
        "workflow-new",
        "edit",
        "workflows.create",
        lambda name: ["workflows", "new", name],
        lambda name: ("POST", "/api/workflows", {"name": name}),
        _new_workflow,
        {"name": "fresh"},
        [("InUse", {"name": "small"}), *((kind, {"name": name}) for kind, name in _NAMES)],
        hidden=("workflows", {}, "new"),
    ),
    Action(
        "workflow-copy",
        "edit",
        "workflows.duplicate",
        lambda name, new: ["workflows", "copy", name, new],
        lambda name, new: ("POST", f"/api/workflows/{name}/copy", {"new": new}),
        _file("workflow", "Duplicate", "copy-make", "copy-name"),
        {"name": "small", "new": "second"},
        [("InUse", {"name": "small", "new": "nap"}), ("InvalidInput", {"name": "small", "new": "Ä"})],
        hidden=("workflows", {}, "menu-small"),
    ),
    Action(
        "workflow-rename",
        "edit",
        "workflows.rename",
        lambda name, new: ["workflows", "rename", name, new],
        lambda name, new: ("POST", f"/api/workflows/{name}/rename", {"new": new}),
        _file("workflow", "Rename", "rename-make", "rename-name"),
        {"name": "small", "new": "tiny"},
        [("InUse", {"name": "small", "new": "caller"})],
        [_open_nap],
    ),
    Action(
        "workflow-delete",
        "edit",
        "workflows.delete",
        lambda name: ["workflows", "delete", name],
        lambda name: ("DELETE", f"/api/workflows/{name}", None),
        _file("workflow", "Delete", "delete-make", ""),
        {"name": "caller"},
        [("InUse", {"name": "small"}), ("InUse", {"name": "nap"})],
        [_open_nap],
    ),
    Action(
        "workflow-move",
        "edit",
        "workflows.move_steps",
        lambda name, step, x, y: ["workflows", "move", name, f"{step}={x},{y}"],
        lambda name, step, x, y: ("PUT", f"/api/workflows/{name}/positions", {"positions": {step: [x, y]}}),
        None,
        {"name": "small", "step": "two", "x": 250.0, "y": -40.0},
        [("InvalidInput", {"name": "small", "step": "one", "x": 1e9, "y": 0.0})],
    ),
    Action(
        "workflow-look",
        "edit",
        "workflows.change_looks",
        lambda name, step, icon: [
            "workflows",
            "look",
            name,
            step,
            "--icon",
            icon,
            "--color",
            "blue",
            "--size",
            "300,90",
        ],
        lambda name, step, icon: (
            "PUT",
            f"/api/workflows/{name}/looks",
            {"looks": {step: {"icon": icon, "color": "blue", "size": [300.0, 90.0]}}},
        ),
        None,
        {"name": "small", "step": "two", "icon": "📮"},
        [("InvalidInput", {"name": "small", "step": "one", "icon": "📮📮"})],
    ),
]
FRAGMENTS = [
    Action(
        "fragment-new",
        "edit",
        "fragments.save",
        _set_command,
        lambda name, text: ("PUT", f"/api/fragments/{name}", {"text": text}),
        _new_fragment,
        {"name": "tone", "text": "Be kind."},
        [("InvalidInput", {"name": "Con", "text": "x"})],
        hidden=("prompts", {"tab": "fragments"}, "new-fragment"),
    ),
    Action(
        "fragment-change",
        "edit",
        "fragments.save",
        _set_command,
        lambda name, text: ("PUT", f"/api/fragments/{name}", {"text": text, "etag": etag("Be kind.\n")}),
        _change_fragment,
        {"name": "tone", "text": "Be short."},
        before=[_shared_tone],
        hidden=("fragment", {"name": "tone"}, "save-fragment-tone"),
    ),
    Action(
        "fragment-rename",
        "edit",
        "fragments.rename",
        lambda name, new: ["fragments", "rename", name, new],
        lambda name, new: ("POST", f"/api/fragments/{name}/rename", {"new": new}),
        _fragment("Rename", "rename-make"),
        {"name": "tone", "new": "voice"},
        [("InUse", {"name": "tone", "new": "spare"}), ("InvalidInput", {"name": "tone", "new": "Con"})],
        [_shared_tone],
        hidden=("prompts", {"tab": "fragments"}, "menu-fragment-tone"),
    ),
    Action(
        "fragment-delete",
        "edit",
        "fragments.delete",
        lambda name: ["fragments", "delete", name],
        lambda name: ("DELETE", f"/api/fragments/{name}", None),
        _fragment("Delete", "delete-make"),
        {"name": "spare"},
        [("InUse", {"name": "tone"})],
        [_shared_tone],
    ),
]
PROMPTS = [
    Action(
        "prompt-new",
        "edit",
        "prompts.create",
        lambda name: ["prompts", "new", name],
        lambda name: ("POST", "/api/prompts", {"name": name}),
        _new_prompt,
        {"name": "fresh"},
        [("InUse", {"name": "classify-mail"}), *((kind, {"name": name}) for kind, name in _NAMES)],
        hidden=("prompts", {}, "new-prompt"),
    ),
    Action(
        "prompt-import",
        "edit",
        "prompts.import",
        _import_command,
        lambda name, text: ("POST", "/api/prompt-imports", {"name": name, "text": text}),
        _import_prompt,
        {"name": "fresh", "text": _TEXT},
        [("InUse", {"name": "classify-mail", "text": _TEXT}), ("InvalidInput", {"name": "Con", "text": _TEXT})],
        hidden=("prompts", {}, "import-prompt"),
    ),
    Action(
        "prompt-copy",
        "edit",
        "prompts.duplicate",
        lambda name, new: ["prompts", "copy", name, new],
        lambda name, new: ("POST", f"/api/prompts/{name}/copy", {"new": new}),
        _file("prompt", "Duplicate", "copy-make", "copy-name"),
        {"name": "classify-mail", "new": "second"},
        [("InUse", {"name": "classify-mail", "new": "classify-mail"})],
        hidden=("prompts", {}, "menu-prompt-classify-mail"),
    ),
    Action(
        "prompt-rename",
        "edit",
        "prompts.rename",
        lambda name, new: ["prompts", "rename", name, new],
        lambda name, new: ("POST", f"/api/prompts/{name}/rename", {"new": new}),
        _file("prompt", "Rename", "rename-make", "rename-name"),
        {"name": "classify-mail", "new": "sort-mail"},
        [("InvalidInput", {"name": "classify-mail", "new": "Con"})],
    ),
    Action(
        "prompt-delete",
        "edit",
        "prompts.delete",
        lambda name: ["prompts", "delete", name],
        lambda name: ("DELETE", f"/api/prompts/{name}", None),
        _file("prompt", "Delete", "delete-make", ""),
        {"name": "spare"},
        [("InUse", {"name": "classify-mail"})],
        [lambda orchestra: orchestra.prompts.create(_local(), "spare")],
    ),
    Action(
        "prompt-declare",
        "edit",
        "prompts.save",
        lambda name: ["prompts", "declare", name],
        lambda name: ("POST", f"/api/prompts/{name}/declare", None),
        _declare,
        {"name": "classify-mail"},
        before=[_undeclared],
        hidden=("prompt", {"name": "classify-mail"}, "declare-classify-mail"),
    ),
    Action(
        "prompt-label",
        "edit",
        "prompts.set_label",
        lambda name, label, version: ["prompts", "label", name, label, str(version)],
        lambda name, label, version: ("PUT", f"/api/prompts/{name}/labels/{label}", {"version": version}),
        _set_label,
        {"name": "classify-mail", "label": "staging", "version": 1},
        [("InvalidInput", {"name": "classify-mail", "label": "Über", "version": 1})],
        [_saved_version],
        not_on_page=[{"name": "classify-mail", "label": "Über", "version": 1}],
    ),
    Action(
        "prompt-tag",
        "edit",
        "prompts.tag",
        lambda name, add: ["prompts", "tag", name, *(one for tag in add for one in ("--add", tag))],
        lambda name, add: ("POST", f"/api/prompts/{name}/tags", {"add": [*add]}),
        _tag,
        {"name": "classify-mail", "add": ["mail", "triage"]},
        [("InvalidInput", {"name": "classify-mail", "add": ["Über"]})],
        hidden=("prompt", {"name": "classify-mail"}, "tags-set-classify-mail"),
    ),
    Action(
        "prompt-label-protected",
        "edit",
        "prompts.set_label",
        lambda name, label, version, reason="": ["prompts", "label", name, label, str(version), "--reason", reason],
        lambda name, label, version, reason="": (
            "PUT",
            f"/api/prompts/{name}/labels/{label}",
            {"version": version, "reason": reason},
        ),
        _set_protected,
        {"name": "classify-mail", "label": "staging", "version": 1, "reason": "A customer waits"},
        [("ProtectedLabel", {"name": "classify-mail", "label": "staging", "version": 1})],
        [_protected],
        not_on_page=[{"name": "classify-mail", "label": "staging", "version": 1}],
    ),
    Action(
        "prompt-protect",
        "edit",
        "prompts.protect",
        lambda name, label: ["prompts", "protect", name, label],
        lambda name, label: ("PUT", f"/api/prompts/{name}/labels/{label}/protection", None),
        _protect,
        {"name": "classify-mail", "label": "staging"},
        [("UnknownName", {"name": "classify-mail", "label": "stagin"})],
        [_saved_version],
        not_on_page=[{"name": "classify-mail", "label": "stagin"}],
    ),
    Action(
        "prompt-unprotect",
        "edit",
        "prompts.unprotect",
        lambda name, label: ["prompts", "protect", name, label, "--off"],
        lambda name, label: ("DELETE", f"/api/prompts/{name}/labels/{label}/protection", None),
        _protect,
        {"name": "classify-mail", "label": "staging"},
        [],
        [_protected],
    ),
    Action(
        "prompt-unlabel",
        "edit",
        "prompts.remove_label",
        lambda name, label: ["prompts", "label", name, label, "--remove"],
        lambda name, label: ("DELETE", f"/api/prompts/{name}/labels/{label}", None),
        _remove_label,
        {"name": "classify-mail", "label": "staging"},
        [],
        [_saved_version],
    ),
]
USERS = [
    Action(
        "user-add",
        "admin",
        "users.add",
        lambda user_id, role: ["users", "add", user_id, "--role", role],
        lambda user_id, role: ("POST", "/api/users", {"id": user_id, "role": role}),
        _add_user,
        {"user_id": "ann@example.org", "role": "operator"},
        [("InUse", {"user_id": "editor", "role": "viewer"}), ("InvalidInput", {"user_id": "Ann", "role": "viewer"})],
        hidden=("users", {}, "add-user"),
    ),
    Action(
        "user-role",
        "admin",
        "users.set_role",
        lambda user_id, role: ["users", "set-role", user_id, role],
        lambda user_id, role: ("PUT", f"/api/users/{user_id}/role", {"role": role}),
        _set_role,
        {"user_id": "editor", "role": "operator"},
        [
            ("InvalidInput", {"user_id": "owner", "role": "viewer"}),
            ("UnknownName", {"user_id": "nobody", "role": "viewer"}),
        ],
        hidden=("users", {}, "set-role-editor"),
        not_on_page=[{"user_id": "nobody", "role": "viewer"}],
    ),
    Action(
        "user-remove",
        "admin",
        "users.remove",
        lambda user_id: ["users", "remove", user_id],
        lambda user_id: ("DELETE", f"/api/users/{user_id}", None),
        _remove_user,
        {"user_id": "editor"},
        [("InvalidInput", {"user_id": "owner"}), ("UnknownName", {"user_id": "nobody"})],
        hidden=("users", {}, "remove-editor"),
        not_on_page=[{"user_id": "nobody"}],
    ),
    Action(
        "user-sign-out",
        "admin",
        "users.sign_out",
        lambda user_id: ["users", "sign-out", user_id],
        lambda user_id: ("DELETE", f"/api/users/{user_id}/sessions", None),
        lambda go, user_id: go("users").button(key=f"sign-out-{user_id}").click().run(),
        {"user_id": "guest"},
        [("UnknownName", {"user_id": "nobody"})],
        [_signed_in],
        hidden=("users", {}, "sign-out-guest"),
        not_on_page=[{"user_id": "nobody"}],
    ),
]
EVERY = [*WORKFLOWS, *PROMPTS, *FRAGMENTS, *USERS]


def _local() -> Any:
    from tests.faces.conftest import LOCAL

    return LOCAL
