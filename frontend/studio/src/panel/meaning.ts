// What expressions mean, in words: the titles of the values that they use. Pure.
import { N_, t } from "../language";
import { expressionFor, type ScopeName } from "./completion";
import { conditionWords } from "./conditions";
import { partsOf, tokensOf, wholeOf } from "./template";

const PATH = String.raw`[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\]|\["[^"\\]*"\])*`;
const SIMPLE = new RegExp(`^(?:(${PATH})|default\\(\\s*(${PATH})\\s*,\\s*(?:''|""|\\[\\]|\\{\\}|0|0\\.0|false)\\s*\\))$`);
const SIZE = new RegExp(`^size\\((${PATH})\\)$`);
const FILTER = new RegExp(`^(${PATH}|default\\(${PATH}, \\[\\]\\))\\.filter\\(\\s*([A-Za-z_]\\w*)\\s*,(.*)\\)$`, "s");
const PATHS = new RegExp(PATH, "g");
const NO_PATHS = new Set(["true", "false", "null", "in"]);
const MOST_LETTERS = 160;

export type TitleOf = (step: string) => string;

// What stands in place of an expression.
export interface Chip {
  words: string;
  // More about it, for whoever points at it.
  about: string;
}

// Return what an expression, without its braces, is called.
export function chipOf(expression: string, names: readonly ScopeName[], titleOf: TitleOf): Chip {
  const path = pathOf(expression);
  if (path) return { words: wordsFor(path, names, titleOf), about: "" };
  const counted = SIZE.exec(expression.trim())?.[1];
  if (counted) return { words: t("number of {list}", { list: wordsFor(counted, names, titleOf) }), about: "" };
  const filter = filterOf(expression.trim());
  if (filter) return { words: t("some of {list}", { list: chipOf(filter.list, names, titleOf).words }), about: "" };
  return { words: t("a formula"), about: meaning(`{{ ${expression} }}`, names, titleOf) };
}

export interface Filter {
  list: string;
  variable: string;
  condition: string;
}

// Return the parts of `list.filter(item, condition)`.
export function filterOf(source: string): Filter | undefined {
  const [, list = "", variable = "", condition = ""] = (closes(source) && FILTER.exec(source)) || [];
  return list ? { list, variable, condition: condition.trim() } : undefined;
}

// Return whether nothing follows the call that a path ends with.
function closes(source: string): boolean {
  let depth = 0;
  let last = "";
  for (const { kind, text, offset } of tokensOf(source)) {
    if (kind === "name" && depth === 0) last = text;
    if (kind !== "sign") continue;
    if ("([{".includes(text)) depth += 1;
    if (")]}".includes(text) && (depth -= 1) === 0 && last === "filter") return offset === source.length - 1;
  }
  return false;
}

// Return the path that an expression is, also with a default in place of nothing; "" for any other.
export function pathOf(expression: string): string {
  const found = SIMPLE.exec(expression.trim());
  const path = found?.[1] ?? found?.[2] ?? "";
  return NO_PATHS.has(path) ? "" : path;
}

// Return what a text with expressions is made of, such as `Subject of mail`; "" if no value of it is known.
export function meaning(text: string, names: readonly ScopeName[], titleOf: TitleOf): string {
  const known = byName(names);
  const sources = partsOf(text).filter((one) => one.isExpression).map((one) => one.text.slice(2, -2));
  const paths = sources.flatMap((source) => [...withoutTexts(source).matchAll(PATHS)].map(([path]) => longest(path, known)));
  const words = paths.flatMap((one) => (one ? [wordsOf(one, titleOf)] : []));
  return [...new Set(words)].join(", ").slice(0, MOST_LETTERS);
}

const withoutTexts = (source: string): string => [...tokensOf(source)].map(({ kind, text }) => (kind === "text" ? "''" : text)).join("");

// Return a text as a person reads it: with words for its expressions.
export function plainWords(text: string, names: readonly ScopeName[], titleOf: TitleOf): string {
  return partsOf(text).map((one) => (one.isExpression ? chipOf(one.text.slice(2, -2), names, titleOf).words : one.text)).join("");
}

// Return a condition as a clause, with or without its braces.
export function clauseOf(condition: string, names: readonly ScopeName[], titleOf: TitleOf): string {
  const formula = (source: string): string => {
    const about = meaning(`{{ ${source} }}`, names, titleOf);
    return about ? t("a formula with {values} is true", { values: about }) : t("a formula is true");
  };
  return conditionWords(wholeOf(condition) ?? condition, (value) => chipOf(value, names, titleOf).words, formula);
}

const byName = (names: readonly ScopeName[]): Map<string, ScopeName> => new Map(names.filter(({ type }) => type !== "function").map((one) => [one.name, one]));

function wordsFor(path: string, names: readonly ScopeName[], titleOf: TitleOf): string {
  return wordsOf({ name: path, title: names.find(({ name }) => name === path)?.title ?? "" }, titleOf);
}

// Return the known name that a path begins with: `mail.subject` of `mail.subject.lowerAscii`.
function longest(path: string, known: ReadonlyMap<string, ScopeName>): ScopeName | undefined {
  for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf(".", end - 1), path.lastIndexOf("[", end - 1))) {
    const one = known.get(path.slice(0, end));
    if (one) return one;
  }
  return undefined;
}

// Return what people call a value.
export function wordsOf({ name, title }: Pick<ScopeName, "name" | "title">, titleOf: TitleOf): string {
  const parts = name.split(".");
  const [root = "", step = "", member = ""] = parts;
  const last = (parts.at(-1) ?? "").replaceAll("_", " ");
  if (root === "steps") {
    if (parts.length > 3) return t("{what} of “{whose}”", { what: t(short(title)) || last, whose: titleOf(step) });
    return member === "status" ? t("how “{whose}” ended", { whose: titleOf(step) }) : t("what “{whose}” gives", { whose: titleOf(step) });
  }
  if (root === "inputs") return parts.length > 1 ? t("the input “{what}”", { what: title || last }) : t("the inputs");
  return parts.length > 1 ? t("{what} of the {whose}", { what: t(short(title)) || last, whose: root.replaceAll("_", " ") }) : t("the {whose}", { whose: root.replaceAll("_", " ") });
}

// A description is no title.
const short = (title: string): string => (title.length <= 40 && !title.endsWith(".") ? title : "");

// What people also call a value, by the last name of its path.
const SYNONYMS: Record<string, string[]> = {
  from: [N_("sender")],
  to: [N_("recipient")],
  subject: [N_("title"), N_("subject")],
};

const synonymsOf = (name: string): string[] => (SYNONYMS[/\w+(?="?\]?$)/.exec(name)?.[0] ?? ""] ?? []).flatMap((word) => [word, t(word)]);

const NO_ITEMS = ["steps", "inputs", "index", "key", "run", "env"];

// Return the group of values that one belongs to, as a heading: the item of a loop, the other values, those inside of lists.
export function groupOf({ name }: ScopeName): { order: number; heading: string } {
  if (name.includes("[0]")) return { order: 2, heading: t("In the first item of a list") };
  const [root = ""] = name.split(/[.[]/, 1);
  return NO_ITEMS.includes(root) ? { order: 1, heading: t("Other values") } : { order: 0, heading: t("The {whose} at hand", { whose: root.replaceAll("_", " ") }) };
}

// Return the values with these letters in what they are called, then those with them elsewhere; each by groups.
export function valuesFor(names: readonly ScopeName[], sought: string, titleOf: TitleOf): ScopeName[] {
  const low = sought.trim().toLowerCase();
  const has = (text: string | null): boolean => (text ?? "").toLowerCase().includes(low);
  const ranked = names.filter(({ type }) => type !== "function").map((one) => ({ one, order: groupOf(one).order, rank: [wordsOf(one, titleOf), ...synonymsOf(one.name)].some(has) ? 0 : has(one.title) || has(one.name) || has(one.sample) ? 1 : 2 }));
  return ranked.filter(({ rank }) => rank < 2).sort((a, b) => a.rank - b.rank || a.order - b.order).map(({ one }) => one);
}

export const expressionText = (expression: string): string => `{{ ${expression} }}`;

// Return the text that stands for a value.
export const insertedFor = (name: ScopeName): string => expressionText(expressionFor(name));
