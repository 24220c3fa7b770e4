// Text with `{{ }}` in it, split as the engine splits it (engine/expressions/templates.py). Pure.

export interface Token {
  kind: "space" | "text" | "name" | "number" | "sign";
  text: string;
  offset: number;
}

// Literal text, or an expression with its braces.
export interface Part {
  text: string;
  isExpression: boolean;
}

const TOKEN = /(?<space>\s+|\/\/[^\n]*)|(?<text>'(?!'')(?:\\.|[^'\\\n])*'|"(?!"")(?:\\.|[^"\\\n])*")|(?<name>[A-Za-z_]\w*)|(?<number>\d[\w.]*)|(?<sign>&&|\|\||[=!<>]=|[^'"])/sy;
const CLOSING: Record<string, string> = { "(": ")", "[": "]", "{": "}" };

// Split an expression into tokens, up to what is none: a text that does not end, or has three quotes or a prefix.
export function* tokensOf(source: string, start = 0): Generator<Token> {
  TOKEN.lastIndex = start;
  for (let at = start; at < source.length; ) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(source);
    if (!found) return;
    const [kind, text] = Object.entries(found.groups!).find(([, one]) => one !== undefined) as [Token["kind"], string];
    yield { kind, text, offset: at };
    at += text.length;
  }
}

// Return the parts of a text; what does not end as an expression is literal.
export function partsOf(text: string): Part[] {
  const found: Part[] = [];
  let position = 0;
  for (let begin = text.indexOf("{{"); begin >= 0; begin = text.indexOf("{{", position)) {
    const end = endOf(text, begin);
    if (end < 0) break;
    if (begin > position) found.push({ text: text.slice(position, begin), isExpression: false });
    found.push({ text: text.slice(begin, end), isExpression: true });
    position = end;
  }
  if (position < text.length) found.push({ text: text.slice(position), isExpression: false });
  return found;
}

function endOf(text: string, begin: number): number {
  const open: string[] = [];
  for (const { kind, text: sign, offset } of tokensOf(text, begin + 2)) {
    if (open.length === 0 && text.startsWith("}}", offset)) return offset + 2;
    if (kind !== "sign") continue;
    if (sign in CLOSING) open.push(CLOSING[sign]!);
    else if (")]}".includes(sign) && open.pop() !== sign) return -1;
  }
  return -1;
}

// Return the source of an expression that is the whole text; undefined if there is anything beside it.
export function wholeOf(text: string): string | undefined {
  const [only, ...others] = partsOf(text.trim());
  return only?.isExpression && others.length === 0 ? only.text.slice(2, -2).trim() : undefined;
}

export const hasExpression = (text: string): boolean => text.includes("{{") && partsOf(text).some((one) => one.isExpression);
