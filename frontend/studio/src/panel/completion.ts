// What is offered while somebody writes an expression, and what accepting it makes of the text. No parsing: the
// server checks expressions.

export interface ScopeName {
  name: string;
  type: string;
  may_be_missing: boolean;
  from_outside: boolean;
  title: string;
  sample: string | null;
}

export interface Text {
  text: string;
  caret: number;
}

// The word before the caret, inside `{{ }}`.
export interface Word {
  from: number;
  to: number;
  word: string;
  // Whether a name is likely here: one has been begun, or nothing stands before it.
  isLikely: boolean;
}

const MOST_OFFERED = 60;
const WORD = /[A-Za-z_][\w.[\]"-]*$/;
const REST = /^[\w.]*/;
const EMPTY: Record<string, string> = { integer: "0", number: "0.0", boolean: "false", object: "{}" };

// Return the word that is being written in an expression, or undefined outside of `{{ }}`.
export function wordAt({ text, caret }: Text): Word | undefined {
  const before = text.slice(0, caret);
  const start = before.lastIndexOf("{{");
  if (start < 0 || before.indexOf("}}", start) >= 0) return undefined;
  const inside = before.slice(start + 2);
  if (isInQuotes(inside)) return undefined;
  const word = WORD.exec(inside)?.[0] ?? "";
  const isLikely = word !== "" || inside.trim() === "";
  return { isLikely, from: caret - word.length, to: caret + (word ? (REST.exec(text.slice(caret))?.[0].length ?? 0) : 0), word };
}

function isInQuotes(expression: string): boolean {
  let quote = "";
  for (const one of expression) {
    if (quote) quote = one === quote ? "" : quote;
    else if (one === "'" || one === '"') quote = one;
  }
  return quote !== "" && !/\["[^"\]]*$/.test(expression);
}

// Return the names that fit a word, the nearest first.
export function fitting(names: ScopeName[], word: string): ScopeName[] {
  const sought = word.toLowerCase();
  const rank = ({ name, title }: ScopeName): number => {
    const lower = name.toLowerCase();
    if (lower.startsWith(sought)) return 0;
    if (lower.includes(`.${sought}`)) return 1;
    if (lower.includes(sought)) return 2;
    return title.toLowerCase().includes(sought) ? 3 : 4;
  };
  const ranked = names.map((one) => ({ one, rank: rank(one) })).filter(({ rank }) => rank < 4);
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, MOST_OFFERED).map(({ one }) => one);
}

// Return the expression for a name; one that may be missing gets a default of its type.
export function expressionFor({ name, type, may_be_missing }: ScopeName): string {
  if (!may_be_missing) return name;
  const value = type.startsWith("list") || type === "array" ? "[]" : (EMPTY[type] ?? "''");
  return `default(${name}, ${value})`;
}

// Put a name in place of the word at the caret, or as an expression of its own.
export function accepted(at: Text, name: ScopeName): Text {
  const word = wordAt(at);
  if (!word) {
    const made = `{{ ${expressionFor(name)} }}`;
    const text = at.text.slice(0, at.caret) + made + at.text.slice(at.caret);
    return { text, caret: at.caret + made.length - 3 };
  }
  const isGuarded = /(?:default|has)\(\s*$/.test(at.text.slice(0, word.from));
  const made = isGuarded ? name.name : expressionFor(name);
  return { text: at.text.slice(0, word.from) + made + at.text.slice(word.to), caret: word.from + made.length };
}

// Close braces that have just been opened: `{{` becomes `{{  }}`, with the caret between them. A space or `}}` that is
// there already is not typed twice.
export function closed(before: string, at: Text): Text {
  const { text, caret } = at;
  const [head, rest] = [text.slice(0, caret), text.slice(caret)];
  const typed = head.at(-1) ?? "";
  if (text.length !== before.length + 1 || before !== head.slice(0, -1) + rest) return at;
  if (typed === "{" && head.endsWith("{{") && !head.endsWith("{{{") && !/^\s*\}\}/.test(rest)) {
    return { text: `${head}  }}${rest}`, caret: caret + 1 };
  }
  if (typed === " " && head.endsWith("{{  ") && rest.startsWith(" }}")) return { text: before, caret: caret - 1 };
  if (typed === "}" && head.endsWith("}}") && rest.startsWith("}")) return { text: before, caret };
  const end = /^(\s*)\}\}/.exec(rest);
  if (typed === "}" && end && wordAt({ text: before, caret: caret - 1 }) && !isInBraces(head.slice(0, -1))) {
    const written = head.slice(0, -1);
    const kept = `${end[1] ? written.trimEnd() : written}${end[1]}}`;
    return { text: `${kept}}${rest.slice(end[0].length)}`, caret: kept.length };
  }
  return at;
}

function isInBraces(head: string): boolean {
  const inside = head.slice(head.lastIndexOf("{{") + 2);
  return inside.split("{").length > inside.split("}").length;
}
