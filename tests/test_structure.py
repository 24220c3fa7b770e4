"""The shape of the code: imports point one way, nothing prints, all is documented, and one file adds a step type."""

from __future__ import annotations

import ast
import gc
import itertools
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import engine.steps
from engine.base.services import client_classes
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins import registry
from engine.step_docs import steps_page
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parent.parent
OWNER = Principal("tester", "owner")

FOR_FACES = ("clients.check_line", "clients.errors", "clients.wording", "clients.service")
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "clients": frozenset(),
    "demo": frozenset(),
    "engine": frozenset({"clients", "demo.endpoints"}),
    "api": frozenset({"engine", *FOR_FACES}),
    "dashboard": frozenset({"engine", *FOR_FACES}),
    "commands": frozenset({"engine", "api", *FOR_FACES}),
    "bench": frozenset({"engine"}),
    "app": frozenset({"engine", "api", "dashboard"}),
    "cli": frozenset({"engine", "api", "commands"}),
}
"""Each part of the program, and what of the lower parts it may use besides itself.

The faces know of services only what they declare, and what can go wrong with them; whatever is done, the engine does.
"""

SQL = ("engine.store.sql", "engine.store.postgres")
OPENS_THE_STORE = {
    "engine.assembly.open_workspace",
    "engine.operations.copies",
}
"""The modules that choose which store it is; all others know its ports only (`engine/store/*.py`)."""
CONFIG = "engine.workspace.config"
OPENS_BLOBS = "engine.store.blobs.opened"
BLOBS_OF = {"engine.store.blobs.disk", "engine.store.blobs.postgres", "engine.store.blobs.s3"}
SPEAK_SQL = (*SQL, "engine.store.blobs.postgres")
SQL_DRIVERS = {"sqlite3", "sqlalchemy", "psycopg"}
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE FROM|PRAGMA|BEGIN) ")
PRINTS = {"cli.py", "demo/__main__.py", "bench/__main__.py"}


@dataclass(frozen=True)
class Import:
    """One import: who, whom, and the line that says so."""

    importer: str
    imported: str
    place: str
    is_for_types: bool = False
    """Nothing is loaded for it: it stands below `if TYPE_CHECKING`."""


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the program by its dotted name."""
    found = [path for part in MAY_IMPORT for path in sorted((ROOT / part).rglob("*.py"))]
    found += [path for part in MAY_IMPORT if (path := ROOT / f"{part}.py").exists()]
    return {dotted(path): path for path in found}


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(name: str) -> ast.Module:
    """The syntax tree of a module."""
    found = ast.parse(modules()[name].read_text(encoding="utf-8"))
    gc.freeze()  # else the collector goes through all trees again and again, which takes longer than all else
    return found


@cache
def parts(whole: ast.Module) -> Sequence[ast.AST]:
    """All that a syntax tree consists of; many tests go through it."""
    return tuple(ast.walk(whole))


@cache
def imports() -> list[Import]:
    """Every import between modules of the program, wherever in a file it stands."""
    return [
        Import(name, imported, f"{modules()[name].relative_to(ROOT)}:{line}", line in for_types)
        for name in modules()
        for for_types in [_lines_for_types(name)]
        for imported, line in imported_by(name)
    ]


def _lines_for_types(name: str) -> set[int]:
    blocks = [node for node in tree(name).body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or 0) + 1)}


def imported_by(name: str) -> Iterator[tuple[str, int]]:
    """What a module imports of the program: (module, line)."""
    for node in parts(tree(name)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{modules()[name]}:{node.lineno}: imports are written in full"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [each if each in modules() else str(node.module) for each in inner]
        else:
            continue
        yield from ((each, node.lineno) for each in found if each in modules())


def circles(edges: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Each circle as one line that names the import of every step round it; `edges`: {module: {module: place}}."""
    found: list[str] = []
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> None:
        if name in path:
            ring = [*path[path.index(name) :], name]
            found.append("; ".join(f"{edges[a][b]} imports {b}" for a, b in itertools.pairwise(ring)))
        elif name not in done:
            for imported in edges.get(name, {}):
                walk(imported, [*path, name])
            done.add(name)

    for name in edges:
        walk(name, [])
    return found


def edges_of(found: list[Import]) -> dict[str, dict[str, str]]:
    """Imports as {module: {module: place}}."""
    edges: dict[str, dict[str, str]] = {}
    for one in found:
        edges.setdefault(one.importer, {})[one.imported] = one.place
    return edges


def points_up(one: Import) -> bool:
    """Whether an import leads to a part that its own part may not use."""
    part = one.importer.partition(".")[0]
    return not any(f"{one.imported}.".startswith(f"{allowed}.") for allowed in (part, *MAY_IMPORT[part]))


def test_every_part_of_the_program_is_known_to_this_test() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    scripts = {path.stem for path in ROOT.glob("*.py")}
    assert packages | scripts == set(MAY_IMPORT)


def test_imports_point_one_way() -> None:
    assert [f"{one.place} imports {one.imported}" for one in imports() if points_up(one)] == []


def test_no_imports_go_in_a_circle() -> None:
    assert circles(edges_of(imports())) == []


def folder_of(module: str) -> str:
    """The folder of a module; a package's own file stands for the package."""
    return module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]


def between_folders(found: list[Import]) -> list[Import]:
    """Imports that lead from one folder into another; what a package's own file hands on is not counted."""
    inner = [one for one in found if "__init__.py" not in {modules()[m].name for m in (one.importer, one.imported)}]
    moved = [Import(folder_of(one.importer), folder_of(one.imported), one.place) for one in inner]
    return [one for one in moved if one.importer != one.imported]


def test_no_folders_go_in_a_circle() -> None:
    assert circles(edges_of(between_folders(imports()))) == []


LISTED = re.compile(r"^\| `([a-z_/]+?)(?:/|\.py)` \|", re.MULTILINE)


def listed_parts() -> list[str]:
    """The folders and modules of the engine in the order of docs/architecture.md, by their dotted names."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("| Folder | Contents |")[2].partition("\n\n")[0]
    return [f"engine.{one.replace('/', '.')}" for one in LISTED.findall(table)]


def against_the_order(listed: Sequence[str], found: Iterable[Import]) -> list[str]:
    """Imports that lead from a listed part to one further down; what is for types alone is not counted."""

    def row(module: str) -> int:
        around = [each for each in listed if f"{module}.".startswith(f"{each}.")]
        return listed.index(max(around, key=len)) if around else -1

    loading = [one for one in found if not one.is_for_types]
    return [f"{one.place} imports {one.imported}" for one in loading if -1 < row(one.importer) < row(one.imported)]


def test_the_architecture_lists_the_folders_in_the_order_of_their_imports() -> None:
    listed = listed_parts()
    folders = {f"engine.{path.parent.name}" for path in (ROOT / "engine").glob("*/__init__.py")}
    assert folders - set(listed) == set()
    assert [name for name, count in Counter(listed).items() if count > 1] == []
    assert against_the_order(listed, imports()) == []


def test_these_tests_would_see_two_rows_that_are_swapped() -> None:
    listed = listed_parts()
    first, second = listed.index("engine.record.types"), listed.index("engine.store")
    listed[first], listed[second] = listed[second], listed[first]
    assert any(line.endswith("imports engine.record.types.run") for line in against_the_order(listed, imports()))


def test_these_tests_would_see_an_import_that_is_wrong() -> None:
    back = Import("engine.base.errors", "engine.orchestra", "engine/base/errors.py:1")
    assert not points_up(back)
    assert points_up(Import("clients.github", "engine.base.errors", "clients/github/client.py:1"))
    assert points_up(Import("dashboard.main", "clients.github", "dashboard/main.py:1"))
    rings = circles(edges_of([*imports(), back]))
    assert any("engine/base/errors.py:1 imports engine.orchestra" in ring for ring in rings)
    up = Import("engine.base.errors", "engine.people.users", "engine/base/errors.py:1")
    assert circles(edges_of(between_folders([*imports(), up])))


FRONTEND = ROOT / "frontend"
SCRIPT_IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](\.[^"']*)["']""")


def script_imports(folder: Path) -> list[Import]:
    """Every import between the files of the browser's programs, also those for types alone."""
    found = []
    for path in sorted(one for one in folder.glob("*/src/**/*") if one.suffix in {".ts", ".tsx", ".js"}):
        text = path.read_text(encoding="utf-8")
        for match in SCRIPT_IMPORT.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            imported = script_at((path.parent / match[1]).resolve())
            importer = str(path.relative_to(folder))
            found.append(Import(importer, str(imported.relative_to(folder)), f"{importer}:{line}"))
    return found


def script_at(target: Path) -> Path:
    """The file that an import without an ending means."""
    [found] = [one for ending in ("", ".ts", ".tsx", ".js") if (one := Path(f"{target}{ending}")).is_file()]
    return found


def test_no_scripts_of_the_browser_go_in_a_circle() -> None:
    found = script_imports(FRONTEND)
    assert {one.importer.partition("/")[0] for one in found} == {path.parent.name for path in FRONTEND.glob("*/src")}
    assert circles(edges_of(found)) == []


@pytest.mark.parametrize(
    "back",
    [
        pytest.param('import { Field } from "./Field";', id="a value"),
        pytest.param('import type { FieldProps } from "./Field";', id="a type"),
        pytest.param("import {\n  Field,\n  type FieldProps,\n} from './Field'", id="over lines"),
        pytest.param('export { Field } from "./Field";', id="handed on"),
        pytest.param('const { Field } = await import("./Field");', id="late"),
    ],
)
def test_these_tests_would_see_scripts_in_a_circle(tmp_path: Path, back: str) -> None:
    source = tmp_path / "studio" / "src"
    source.mkdir(parents=True)
    (source / "Field.tsx").write_text('import { Records } from "./Records";\n')
    (source / "Records.ts").write_text("export const Records = 1;\n")
    assert circles(edges_of(script_imports(tmp_path))) == []
    (source / "Records.ts").write_text(f"// The rows.\n{back}\n")
    assert len(circles(edges_of(script_imports(tmp_path)))) == 1


def speak_sql() -> set[str]:
    """Modules of the engine, outside the store on SQLite, that import that store or a driver, or hold a statement."""
    engine = {name for name in modules() if name.startswith("engine.") and not name.startswith(SPEAK_SQL)}
    importers = {one.importer for one in imports() if one.imported.startswith(SQL)}
    return {name for name in engine if name in importers or any(map(is_sql, parts(tree(name))))} - OPENS_THE_STORE


def is_sql(node: ast.AST) -> bool:
    """Whether a part of a module is an import of a driver, or a statement."""
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in SQL_DRIVERS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return str(node.module).partition(".")[0] in SQL_DRIVERS
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(STATEMENT.match(node.value))


def test_only_the_store_speaks_sql() -> None:
    assert speak_sql() == set()


def test_texts_are_compared_by_one_implementation_whose_steps_are_bounded() -> None:
    """The time of `difflib` grows with the cube of the texts; the stand-ins import nothing, and give it short ones."""
    found = {
        name
        for name in modules()
        for node in parts(tree(name))
        if (isinstance(node, ast.Import) and any(one.name == "difflib" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "difflib")
    }
    assert found == {"demo.github.commits"}


_POSSESSIVE_GROUP = re.compile(r"""["'].*(?<!\\)\)(?:[*+?]|\{\{?\d*,?\d*\}?\})\+""")


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5, such as that of Debian 12, takes `(a|b)*+` wrongly (its issue 106052): `(?>(a|b)*)`."""
    lines = [line for path in modules().values() for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if _POSSESSIVE_GROUP.search(line) and "_API_PATH" not in line] == []


@pytest.mark.parametrize("line", ['_A = r"(?:a|b)*+"', "rf'(x){{0,4}}+'", 'r"(?:a|b){1,2}+c"', 'r"(a)?+"'])
def test_this_test_would_see_one(line: str) -> None:
    assert _POSSESSIVE_GROUP.search(line)


def test_only_the_assembly_knows_where_blobs_are_kept() -> None:
    assert {one.importer for one in imports() if one.imported in BLOBS_OF} == {OPENS_BLOBS}
    assert {one.importer for one in imports() if one.imported == OPENS_BLOBS} == {*OPENS_THE_STORE, CONFIG}
    kept = [one.place for one in imports() if one.importer.startswith("engine.record.") and is_file_work(one.imported)]
    assert kept == []


def is_file_work(module: str) -> bool:
    """Whether a module writes files."""
    return module.startswith("engine.files.")


MAY_NAME_SERVICES: Mapping[str, str] = {
    "engine/steps/": "the operations of each service",
    "engine/base/synonyms.py": "words that mean the same",
    "engine/copilot/wizard/": "the steps that it makes, as data",
    "dashboard/creating/words.py": "the titles of these steps, so that they are translated",
    "engine/copilot/talking/prompt.py": "examples for the model",
    "engine/triggers/": "the same",
    "engine/workflows/n8n/": "what the nodes of n8n are here, as data",
    "engine/hooks/": "how services sign what they deliver",
    "engine/tools/": "code, which the step types of a workspace are",
    "engine/data/tables.py": "the tables of the workspace, for people",
    "engine/store/blobs/": "a bucket for logs, which needs no connection",
    "commands/state.py": "the same",
    "engine/data/collections.py": "its collections of documents, for people",
    "engine/workspace/config.py": "the settings of code, which needs no connection",
    "engine/data/workspace_files.py": "its files, for people",
    "engine/operations/demo_mailbox.py": "the demo, which is a mailbox, a database and a repository",
    "dashboard/demo/": "the same",
    "dashboard/views/demo.py": "the same",
    "commands/demo.py": "the same",
    "engine/workflows/samples.py": "names of workflows that are shipped",
    "dashboard/views/home.py": "tells what they do",
    "engine/sandbox/readers/": "files of Outlook, the program on a desktop",
    "engine/runs/projects/": "code, which the commands of people are",
    "api/mcp/": "the package of the protocol, which has the name of the service",
    "api/routes/connection_documents.py": "an example in the description of the API",
    "api/routes/run_documents.py": "the same",
}
"""Where a service may be named, by file or folder; everything else asks its declaration (`clients/service.py`)."""


def strings(tree_of: ast.Module) -> Iterator[ast.Constant]:
    """Every text in a module that is not a docstring."""
    said = {id(node.value) for node in parts(tree_of) if isinstance(node, ast.Expr)}
    for node in parts(tree_of):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node


def named_services(tree_of: ast.Module) -> Iterator[int]:
    """The lines on which a module names a service: in a text, by its client, or in a comparison.

    `http` and `mcp` are protocols as well, `sql` a language, `file` a word: they count only where a service is
    compared. `code` is a part of Markdown, too: it counts only where it is imported.
    """
    known = set(client_classes())
    words = re.compile(rf"\b({'|'.join(sorted(known - {'http', 'mcp', 'sql', 'file', 'code'}))}|smtp)\b", re.IGNORECASE)
    asked = {kind.sign_in_way.at for kind in client_classes().values() if kind.sign_in_way}
    for node in strings(tree_of):
        text = re.sub(r"https?://\S+", "", str(node.value))
        if words.search(text) or any(re.search(rf"\b{one}\b", text) for one in asked):
            yield node.lineno
    for found in parts(tree_of):
        if isinstance(found, ast.ImportFrom) and (found.module or "").removeprefix("clients.").split(".")[0] in known:
            yield found.lineno
        if isinstance(found, ast.Compare):
            sides = [ast.unparse(one) for one in (found.left, *found.comparators)]
            if any(re.search(r"\b(service|kind)\b", one) for one in sides) and any(
                f"'{name}'" in "".join(sides) for name in known - {"code"}
            ):
                yield found.lineno


def test_services_are_named_only_by_their_clients_steps_and_triggers() -> None:
    named = {
        f"{path.relative_to(ROOT)}:{line}"
        for name, path in modules().items()
        if name.partition(".")[0] in {"engine", "dashboard", "api", "commands", "app", "cli"}
        for line in named_services(tree(name))
    }
    assert sorted(one for one in named if not one.startswith(tuple(MAY_NAME_SERVICES))) == []
    unused = [place for place in MAY_NAME_SERVICES if not any(one.startswith(place) for one in named)]
    assert unused == [], "an exception that nobody needs"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("ICONS = {'github': 'bug'}", id="a table"),
        pytest.param("if service == 'http': pass", id="a comparison"),
        pytest.param("if uses.startswith('gmail.'): pass", id="the beginning of a step type"),
        pytest.param("label = f'Sign in at Google, {name}'", id="a sentence"),
        pytest.param("from clients.notion import NotionClient", id="an import"),
    ],
)
def test_these_tests_would_see_a_service_that_is_named(source: str) -> None:
    assert list(named_services(ast.parse(source))) == [1]
    assert not list(named_services(ast.parse('if scheme == "http": "https://github.com/google/re2"')))


def test_only_commands_print() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for name, path in modules().items()
        if str(path.relative_to(ROOT)) not in PRINTS
        for node in parts(tree(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_every_module_says_in_its_first_sentence_what_it_is_for() -> None:
    silent = []
    for name, path in modules().items():
        first = (ast.get_docstring(tree(name)) or "").split("\n\n", 1)[0].strip()
        if not first.endswith((".", "?", "!")) or " " not in first:
            silent.append(f"{path.relative_to(ROOT)}: {first!r}")
    assert silent == []


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Classes and functions that others may use, and the methods of such classes; not what hides in functions."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def test_everything_public_has_a_docstring() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for name, path in modules().items()
        for node in public_definitions(tree(name).body)
        if not ast.get_docstring(node)
    ]
    assert found == []


NAMED_BY_SERVICE = ("engine.steps.", "engine.triggers.")
"""Where a service is the namespace of its classes: `Send` of one is not that of another."""
MEASURES = "bench."


def classes() -> Iterator[tuple[str, str]]:
    """Yield the module and the name of every public class, also of those inside others."""
    for name in modules():
        if not name.startswith(MEASURES):
            found = (node.name for node in parts(tree(name)) if isinstance(node, ast.ClassDef))
            yield from ((name, one) for one in found if not one.startswith("_"))


def twice(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names of several classes, except where services alone share one: {name: its modules}."""
    by_name = defaultdict[str, list[str]](list)
    for module, name in found:
        by_name[name].append(module)
    return {
        name: places
        for name, places in by_name.items()
        if len(places) > 1 and not all(place.startswith(NAMED_BY_SERVICE) for place in places)
    }


def test_no_two_classes_have_the_same_name() -> None:
    assert twice(classes()) == {}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("api.routes.runs", "RunHead", id="a record of the engine"),
        pytest.param("demo.gmail.labels", "Labels", id="a client"),
        pytest.param("engine.record.events", "Approve", id="a step type"),
        pytest.param("engine.steps.flow", "StepRecord", id="a step type with the name of a record"),
    ],
)
def test_these_tests_would_see_a_name_twice(module: str, name: str) -> None:
    assert twice([*classes(), (module, name)]).keys() == {name}
    assert twice([*classes(), ("engine.steps.notion.blocks", "Approve")]) == {}


DOCUMENTED = {"_thread"}
"""The standard library has a page about it; its name alone is private."""


def private_imports(whole: ast.Module) -> Iterator[int]:
    """Yield the lines that import what another package keeps to itself."""
    for node in parts(whole):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        others = [one for one in found if one.partition(".")[0] not in MAY_IMPORT and one not in DOCUMENTED]
        if any(re.search(r"(^|\.)_(?!_)", one) for one in others):
            yield node.lineno


def test_nothing_private_of_another_package_is_imported() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{line}" for name, path in modules().items() for line in private_imports(tree(name))
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("from streamlit_agraph import _agraph", id="a name"),
        pytest.param("from mcp.client._transport import TransportStreams", id="a module"),
        pytest.param("import httpx._utils", id="a module as a whole"),
    ],
)
def test_these_tests_would_see_a_private_import(source: str) -> None:
    assert list(private_imports(ast.parse(source))) == [1]
    assert not list(private_imports(ast.parse("from __future__ import annotations; import _thread")))


NEW_STEP = '''"""Steps about the weather."""

from engine.plugins.step import Call, Effect, Fields, Output, StepType, content, outside


class SkyFields(Fields):
    """Where to look."""

    place: str = content("Place", min_length=1)


class SkyOutput(Output):
    """What is seen."""

    sky: str = outside("Sky")


class Sky(StepType):
    """Look at the sky over a place."""

    name = "weather.sky"
    title = "Look at the sky"
    effect = Effect.PURE
    fields = SkyFields
    output = SkyOutput

    def call(self, call: Call) -> dict[str, str]:
        """Give {sky}."""
        return {"sky": f"grey over {call.fields.place}"}
'''
NEW_WORKFLOW = """{
  "schema_version": 1,
  "steps": [
    {"id": "look", "uses": "weather.sky", "with": {"place": "Bergen"}}
  ],
  "outputs": {"sky": "{{ steps.look.output.sky }}"}
}
"""


@pytest.fixture
def with_new_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in `engine/steps/`, as far as anybody can see."""
    (tmp_path / "weather.py").write_text(NEW_STEP)
    with monkeypatch.context() as patch:
        patch.setattr(engine.steps, "__path__", [*engine.steps.__path__, str(tmp_path)])
        forget_step_types()
        yield
        patch.delitem(sys.modules, "engine.steps.weather", raising=False)
    forget_step_types()


def forget_step_types() -> None:
    """Let the registry look anew."""
    registry.STEPS.forget()


@pytest.fixture
def empty_workspace(tmp_path: Path) -> Iterator[Orchestra]:
    """A workspace with no account."""
    root = tmp_path / "workspace"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    (root / "config.yaml").write_text("connections: {}\n")
    opened = Orchestra.open(root)
    yield opened
    opened.close()


@pytest.mark.usefixtures("with_new_step")
def test_a_step_type_in_one_new_file_is_known_to_validation_forms_docs_and_runs(empty_workspace: Orchestra) -> None:
    workflows, runs = empty_workspace.workflows, empty_workspace.runs
    wrong = NEW_WORKFLOW.replace("Bergen", "").replace("output.sky", "output.skies")
    codes = {(problem.step, problem.code) for problem in workflows.check(OWNER, "look", wrong)}
    assert {step for step, _ in codes} == {"look", None}, codes

    forms = {info.name: info for info in empty_workspace.step_types(OWNER)}
    assert forms["weather.sky"].fields_schema["properties"]["place"]["role"] == "content"
    assert "### `weather.sky`" in steps_page()

    workflows.save(OWNER, "look", NEW_WORKFLOW, None)
    run = runs.wait(OWNER, runs.start(OWNER, "look", {}), PATIENCE_SECONDS)
    assert run["outputs"] == {"sky": "grey over Bergen"}


def test_without_its_file_the_step_type_is_unknown(empty_workspace: Orchestra) -> None:
    problems = empty_workspace.workflows.check(OWNER, "look", NEW_WORKFLOW)
    assert [problem.code for problem in problems][:1] == ["unknown_step_type"]
    assert "weather.sky" not in steps_page()
