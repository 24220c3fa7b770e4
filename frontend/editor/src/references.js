// What a word in a text refers to: the note on it under the pointer, and the place where it is defined.

import { syntaxTree } from "@codemirror/language";
import { EditorSelection } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap } from "@codemirror/view";

import { namesAt, stepTypes } from "./languages.js";
import { t } from "./words.js";

const EXPRESSION = /\{\{(.*?)(?:\}\}|$)/g;
const PATH = /(?<![\w.'"])[A-Za-z_]\w*(?:\.\w+)*/g;
// Fields of a workflow whose value is the name of another document, and its page; `@production` is not part of a name.
const PAGES = { prompt: "prompt", workflow: "workflow" };

// Return the extensions; `current()` returns the field as the page last described it.
export function references(current) {
  const explained = hoverTooltip(async (view, pos) => {
    const found = referenceAt(view.state, pos);
    const lines = found && (await explanation(view.state, found, current()));
    return lines ? { pos: found.from, end: found.to, above: true, create: () => ({ dom: note(lines) }) } : null;
  });
  const follow = (view, pos) => {
    const found = referenceAt(view.state, pos);
    return found !== null && go(view, found);
  };
  return [
    explained,
    keymap.of([{ key: "F12", run: (view) => follow(view, view.state.selection.main.head) }]),
    EditorView.domEventHandlers({
      mousedown(event, view) {
        if (event.button !== 0 || !(event.ctrlKey || event.metaKey)) return false;
        const pos = view.posAtCoords({ x: event.clientX, y: event.clientY });
        return pos !== null && follow(view, pos); // elsewhere, Ctrl and a click sets another cursor, as usual
      },
    }),
  ];
}

// Return what stands at a position: {kind, name, from, to}; kind: "path", "step", "type", "prompt" or "workflow".
function referenceAt(state, pos) {
  return pathAt(state, pos) ?? valueAt(state, pos);
}

// A dotted path inside `{{ }}`, up to the part at the position: `steps.mails` of `steps.mails.output`.
function pathAt(state, pos) {
  const line = state.doc.lineAt(pos);
  const at = pos - line.from;
  for (const expression of line.text.matchAll(EXPRESSION)) {
    const start = expression.index + 2;
    for (const { 0: text, index } of expression[1].matchAll(PATH)) {
      const [from, to] = [start + index, start + index + text.length];
      if (at < from || at > to) continue;
      const rest = text.slice(at - from).search(/\./);
      const name = rest < 0 ? text : text.slice(0, at - from + rest);
      return { kind: "path", name, from: line.from + from, to: line.from + from + name.length };
    }
  }
  return null;
}

// A value that names something: of `uses`, `needs`, `prompt` or `workflow`.
function valueAt(state, pos) {
  const node = syntaxTree(state).resolveInner(pos, 0);
  if (node.name !== "String") return null;
  const list = node.parent?.name === "Array" ? node.parent : null;
  const property = (list ?? node).parent;
  const key = property?.name === "Property" ? unquoted(state, property.firstChild) : "";
  const [from, to] = [node.from + 1, node.to - 1];
  const name = unquoted(state, node);
  if (list) return key === "needs" ? { kind: "step", name, from, to } : null;
  if (key === "uses") return { kind: "type", name, from, to };
  return Object.hasOwn(PAGES, key) ? { kind: key, name: name.split("@")[0], from, to } : null;
}

const unquoted = (state, node) => state.doc.sliceString(node.from + 1, node.to - 1);

// Return the lines of a note, the name first; null if there is nothing to say.
async function explanation(state, { kind, name, from }, field) {
  if (kind === "type") {
    const found = (await stepTypes(field.uses)).find((one) => one.label === name);
    return found ? [name, found.detail] : null;
  }
  if (Object.hasOwn(PAGES, kind)) return [name, t("F12, or Ctrl and a click, opens its page.")];
  const path = kind === "step" ? `steps.${name}` : name;
  const place = definitionOf(state, path);
  const title = place?.title ? [place.title] : [];
  const known = kind === "step" ? [] : await namesAt(field, state, from);
  const named = known.filter((one) => one.label === path || path.startsWith(`${one.label}.`));
  const best = named.sort((one, other) => other.label.length - one.label.length)[0];
  const type = best ? [best.label === path ? best.detail : `${best.label}: ${best.detail}`] : [];
  const said = [...title, ...type.filter(Boolean), ...(place ? [t("F12, or Ctrl and a click, goes to its definition.")] : [])];
  return said.length > 0 ? [path, ...said] : null;
}

// Return where a path is defined in a workflow, with its title there; null if it is not in this text.
function definitionOf(state, path) {
  const [first, second] = path.split(".");
  if (first === "steps" && second) return valued(state, "id", second, "steps");
  if (first === "inputs" && second) return keyed(state, second);
  return valued(state, "as", first, "steps");
}

// The object in a list of this name in which a property has this value.
function valued(state, key, value, list) {
  let found = null;
  syntaxTree(state).iterate({
    enter(node) {
      if (found || node.name !== "Property" || keyOf(state, node.node) !== key) return;
      const last = node.node.lastChild;
      if (last.name !== "String" || unquoted(state, last) !== value || listOf(state, node.node) !== list) return;
      found = { from: last.from + 1, to: last.to - 1, title: sibling(state, node.node, "title") };
    },
  });
  return found;
}

// The input of this name.
function keyed(state, name) {
  let found = null;
  syntaxTree(state).iterate({
    enter(node) {
      if (found || node.name !== "Property" || keyOf(state, node.node) !== name) return;
      const around = node.node.parent.parent;
      if (around?.name !== "Property" || keyOf(state, around) !== "properties") return;
      if (keyOf(state, around.parent.parent) !== "inputs") return;
      const key = node.node.firstChild;
      found = { from: key.from + 1, to: key.to - 1, title: within(state, node.node.lastChild, "title") };
    },
  });
  return found;
}

const keyOf = (state, property) => (property?.name === "Property" ? unquoted(state, property.firstChild) : "");
const listOf = (state, property) => keyOf(state, property.parent?.parent?.parent);
const sibling = (state, property, key) => within(state, property.parent, key);

// Return the text of a property of an object, "" if it has none.
function within(state, object, key) {
  const found = object.getChildren("Property").find((one) => keyOf(state, one) === key);
  return found?.lastChild.name === "String" ? unquoted(state, found.lastChild) : "";
}

// Go to the definition; return whether there is one.
function go(view, { kind, name }) {
  if (Object.hasOwn(PAGES, kind)) {
    open(`/${PAGES[kind]}?name=${encodeURIComponent(name)}`, "_blank", "noopener");
    return true;
  }
  const place = kind === "type" ? null : definitionOf(view.state, kind === "step" ? `steps.${name}` : name);
  if (!place) return false;
  const selection = EditorSelection.single(place.from, place.to);
  view.dispatch({ selection, effects: EditorView.scrollIntoView(place.from, { y: "center" }), userEvent: "select" });
  view.focus();
  return true;
}

function note([name, ...lines]) {
  const dom = document.createElement("div");
  dom.className = "code-note";
  const head = document.createElement("code");
  head.textContent = name;
  dom.append(head);
  for (const line of lines) {
    const said = document.createElement("p");
    said.textContent = line;
    dom.append(said);
  }
  return dom;
}
