// What the expressions of a field mean, in words: the titles of the values that they use. Pure.
import { t } from "../language";
import type { ScopeName } from "./completion";

const EXPRESSION = /\{\{((?:(?!\}\}).)*)\}\}/gs;
const TEXTS = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/g;
const PATH = /[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*/g;
const MOST_LETTERS = 160;

// Return what a text with expressions is made of, such as `Subject of mail`; "" if no value of it is known.
export function meaning(text: string, names: readonly ScopeName[], titleOf: (step: string) => string): string {
  const known = new Map(names.filter(({ type }) => type !== "function").map((one) => [one.name, one]));
  const found = [...text.matchAll(EXPRESSION)].flatMap(([, inner = ""]) => [...inner.replaceAll(TEXTS, "").matchAll(PATH)].map(([path]) => longest(path, known)));
  const words = found.flatMap((one) => (one ? [wordsOf(one, titleOf)] : []));
  return [...new Set(words)].join(", ").slice(0, MOST_LETTERS);
}

// Return the known name that a path begins with: `mail.subject` of `mail.subject.lowerAscii`.
function longest(path: string, known: ReadonlyMap<string, ScopeName>): ScopeName | undefined {
  for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf(".", end - 1), path.lastIndexOf("[", end - 1))) {
    const one = known.get(path.slice(0, end));
    if (one) return one;
  }
  return undefined;
}

function wordsOf({ name, title }: ScopeName, titleOf: (step: string) => string): string {
  const parts = name.split(".");
  const [root = "", step = ""] = parts;
  const last = (parts.at(-1) ?? "").replaceAll("_", " ");
  if (root === "steps") return parts.length > 3 ? t("{what} of “{whose}”", { what: title || last, whose: titleOf(step) }) : t("what “{whose}” gives", { whose: titleOf(step) });
  if (root === "inputs") return parts.length > 1 ? t("the input “{what}”", { what: title || last }) : t("the inputs");
  return parts.length > 1 ? t("{what} of the {whose}", { what: short(title) || last, whose: root.replaceAll("_", " ") }) : t("the {whose}", { whose: root.replaceAll("_", " ") });
}

// A description is no title.
const short = (title: string): string => (title.length <= 40 ? title : "");
