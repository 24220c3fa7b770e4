// How prompts, JSON documents and programs are coloured, and what is completed in prompts and documents.

import { jsxLanguage } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { pythonLanguage } from "@codemirror/lang-python";
import { HighlightStyle, indentUnit, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { Decoration, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { highlightTree, tagHighlighter, tags } from "@lezer/highlight";

const COLORS = [
  { tag: tags.propertyName, color: "light-dark(#0369a1, #38bdf8)" },
  { tag: tags.string, color: "light-dark(#15803d, #4ade80)" },
  { tag: tags.number, color: "light-dark(#0f766e, #2dd4bf)" },
  { tag: [tags.bool, tags.null, tags.function(tags.variableName), tags.className], color: "light-dark(#1d4ed8, #60a5fa)" },
  { tag: [tags.keyword, tags.tagName], color: "light-dark(#7e22ce, #c084fc)" },
  { tag: [tags.comment, tags.meta], color: "light-dark(#5b6272, #9aa3b2)" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "light-dark(#5b6272, #9aa3b2)" },
];
const colors = HighlightStyle.define(COLORS);
const numbered = tagHighlighter(COLORS.map(({ tag }, index) => ({ tag, class: String(index) })));

// Only their grammars: what they would complete is not offered here.
const PROGRAMS = { python: [pythonLanguage, indentUnit.of("    ")], javascript: [jsxLanguage, indentUnit.of("  ")] };

// Return the extensions that colour a text; `current()` returns the field as the page last described it.
export function language(name, current) {
  if (name === "none") return [];
  if (name in PROGRAMS) return [...PROGRAMS[name], syntaxHighlighting(colors)];
  const expressions = expressionColors(current);
  return name === "json" ? [json(), syntaxHighlighting(colors), expressions] : [expressions];
}

// Return the coloured parts of a program, as [from, to, color]; none for a language that is not known.
export function colored(text, name) {
  const parts = [];
  const parser = PROGRAMS[name]?.[0].parser;
  if (parser) highlightTree(parser.parse(text), numbered, (from, to, classes) => parts.push([from, to, COLORS[classes.split(" ").at(-1)].color]));
  return parts;
}

const EXPRESSION = /\{\{.*?(?:\}\}|$)/g;
const WORD = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<![\w.])[A-Za-z_]\w*/g;
const inside = Decoration.mark({ class: "code-expression" });
const known = Decoration.mark({ class: "code-variable" });

function expressionColors(current) {
  const matcher = new MatchDecorator({
    regexp: EXPRESSION,
    decorate(add, from, to, [text]) {
      add(from, to, inside);
      const names = new Set(current().names.map((one) => one.label.split(".")[0]));
      for (const word of text.matchAll(WORD)) {
        if (names.has(word[0])) add(from + word.index, from + word.index + word[0].length, known);
      }
    },
  });
  return ViewPlugin.define(
    (view) => ({
      decorations: matcher.createDeco(view),
      names: current().names,
      update(update) {
        const isSame = this.names === current().names;
        this.decorations = isSame ? matcher.updateDeco(update, this.decorations) : matcher.createDeco(update.view);
        this.names = current().names;
      },
    }),
    { decorations: (plugin) => plugin.decorations },
  );
}

// A space typed after `{{` is put on both sides of what follows, and closed by `}}` if nothing else closes it.
export function spaceInside(view, from, to, text) {
  const { doc } = view.state;
  if (text !== " " || from !== to || doc.sliceString(from - 2, from) !== "{{") return false;
  const [rest] = doc.sliceString(to, doc.lineAt(to).to).split("{{");
  if (rest.includes("}}") && !rest.startsWith("}}")) return false;
  const insert = rest.startsWith("}}") ? "  " : "  }}";
  view.dispatch({ changes: { from, insert }, selection: { anchor: from + 1 }, userEvent: "input.type" });
  return true;
}

// Complete names inside `{{ }}`, fragments inside `fragment("")`, and step types after `"uses": "`.
export function completions(current) {
  return [names(current), fragments(current), typeNames(current)];
}

function names(current) {
  return async (context) => {
    const open = context.matchBefore(/\{\{(?:(?!\}\}).)*/);
    const word = context.matchBefore(/[\w.]*/);
    if (!open || (word.from === word.to && !context.explicit && !/\{\{\s*$/.test(open.text))) return null;
    if (/["'][\w.]*$/.test(open.text)) return null;
    const offered = await namesAt(current(), context.state, context.pos);
    if (current().fragments.length > 0) {
      offered.push({ label: "fragment", apply: 'fragment("', detail: "shared text", type: "function" });
    }
    const options = offered.map((one) => ({ type: "variable", ...one }));
    return options.length > 0 ? { from: word.from, options, validFor: /^[\w.]*$/ } : null;
  };
}

function fragments(current) {
  return (context) => {
    const quoted = context.matchBefore(/\bfragment\s*\(\s*["'][\w-]*/);
    if (!quoted || current().fragments.length === 0) return null;
    const typed = quoted.text.match(/[\w-]*$/)[0];
    const options = current().fragments.map((label) => ({ label, type: "text" }));
    return { from: context.pos - typed.length, options, validFor: /^[\w-]*$/ };
  };
}

// Return what can be named at a position: {label, detail}, where detail is the type.
export async function namesAt({ names: own, scope: address }, state, pos) {
  if (!address) return [...own];
  const line = state.doc.lineAt(pos);
  const column = [...line.text.slice(0, pos - line.from)].length + 1; // Python counts code points
  const asked = { text: state.doc.toString(), line: line.number, column };
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
      signal: AbortSignal.timeout(5000),
    });
    const { names } = await response.json();
    return [...own, ...names.map(({ name, type }) => ({ label: name, detail: type }))];
  } catch {
    return [...own];
  }
}

let types = null;

// Return the step types: {label, detail}, where detail is the title; empty without an address.
export async function stepTypes(address) {
  if (!address) return [];
  types ??= fetchTypes(address);
  const found = await types;
  if (found.length === 0) types = null; // the next time asks again
  return found;
}

function typeNames(current) {
  return async (context) => {
    const used = current().uses && context.matchBefore(/"uses"\s*:\s*"[\w.]*/);
    if (!used) return null;
    const options = await stepTypes(current().uses);
    return { from: context.pos - used.text.match(/[\w.]*$/)[0].length, options, validFor: /^[\w.]*$/ };
  };
}

async function fetchTypes(address) {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(5000) });
    const { step_types: found } = await response.json();
    return found.map(({ name, title }) => ({ label: name, detail: title, type: "class" }));
  } catch {
    return [];
  }
}

// Return where a problem without an end ends: with the JSON value or the word that begins there.
export function endOf(state, from) {
  const node = syntaxTree(state).resolveInner(from, 1);
  if (node.from === from && node.to > from && !node.type.isTop && node.firstChild === null) return node.to;
  const line = state.doc.lineAt(from);
  const word = line.text.slice(from - line.from).match(/^\.?[\w$]+/);
  return Math.min(from + Math.max(word ? word[0].length : 1, 1), Math.max(line.to, from));
}
