// Conditions as rows of a form: read from CEL and written to it as the wizard writes it (engine/copilot/wizard/filters.py).
// What fits no row is kept as it is. Pure.
import { N_, t } from "../language";
import { tokensOf, type Token } from "./template";

// What a row compares.
export type Kind = "text" | "number" | "list" | "boolean";

export type Op = "is" | "is_not" | "contains" | "contains_not" | "contains_any" | "one_of" | "none_of" | "empty" | "not_empty" | "more" | "less" | "yes" | "no";

export interface Row {
  // The expression of the value: a path, or `default(path, …)`.
  value: string;
  kind: Kind;
  op: Op;
  // A text, a number as it is written, or the entries of a list; "" if the comparison needs none.
  operand: string | string[];
  // As it was written, until the row is changed.
  source?: string;
}

// A part that fits no row.
export interface Other {
  source: string;
}

export interface Condition {
  join: "all" | "any";
  rows: (Row | Other)[];
}

export const isRow = (one: Row | Other): one is Row => "op" in one;

export const WORDS: Record<Op, string> = {
  is: N_("is"),
  is_not: N_("is not"),
  contains: N_("contains"),
  contains_not: N_("does not contain"),
  contains_any: N_("contains one of"),
  one_of: N_("is one of"),
  none_of: N_("is none of"),
  empty: N_("is empty"),
  not_empty: N_("is not empty"),
  more: N_("is more than"),
  less: N_("is less than"),
  yes: N_("is yes"),
  no: N_("is no"),
};

// Of a list, its number of entries is compared.
const OF_LISTS: Partial<Record<Op, string>> = { more: N_("has more entries than"), less: N_("has fewer entries than") };

export const wordOf = (op: Op, kind: Kind): string => t((kind === "list" ? OF_LISTS[op] : undefined) ?? WORDS[op]);

export const takesList = (op: Op): boolean => op === "one_of" || op === "none_of" || op === "contains_any";
export const takesNothing = (op: Op): boolean => ["empty", "not_empty", "yes", "no"].includes(op);

// Senders are written with names that they choose: `Ann Lee <ann@example.com>`. So only the address is compared.
const isAddress = (value: string): boolean => /\b(?:from|sender|reply_to)\b(?:, '')?\)?$/.test(value);

// Return the comparisons for a value, the most likely first.
export function opsFor(kind: Kind, value: string): Op[] {
  switch (kind) {
    case "boolean":
      return ["yes", "no"];
    case "number":
      return ["is", "is_not", "more", "less"];
    case "list":
      return ["contains", "contains_not", "empty", "not_empty", "more", "less"];
    default:
      return isAddress(value)
        ? ["one_of", "none_of", "contains", "contains_not", "contains_any", "empty", "not_empty"]
        : ["is", "is_not", "contains", "contains_not", "contains_any", "one_of", "none_of", "empty", "not_empty"];
  }
}

// ---- writing

// Return the expression for a condition; undefined if it has no rows, or one of them lacks something.
export function written({ join, rows }: Condition): string | undefined {
  if (rows.length === 0 || !rows.every(isComplete)) return undefined;
  const parts = rows.map((one) => ("source" in one && one.source !== undefined ? one.source : writtenRow(one as Row)));
  return parts.join(join === "all" ? " && " : " || ");
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isComplete(row: Row | Other): boolean {
  if (!isRow(row)) return true;
  if (row.value === "") return false;
  if (takesNothing(row.op)) return true;
  if (takesList(row.op)) return Array.isArray(row.operand) && row.operand.some((one) => one !== "");
  const isCount = row.kind === "number" || row.op === "more" || row.op === "less";
  return typeof row.operand === "string" && (isCount ? NUMBER.test(row.operand) : row.operand !== "");
}

function writtenRow({ value, kind, op, operand }: Row): string {
  const one = Array.isArray(operand) ? "" : operand;
  const several = Array.isArray(operand) ? operand.filter((entry) => entry !== "") : [];
  switch (op) {
    case "is":
    case "is_not":
      return `${value} ${op === "is" ? "==" : "!="} ${kind === "number" ? one : quoted(one)}`;
    case "contains":
    case "contains_not":
      return negatedIf(op === "contains_not", kind === "list" ? `${quoted(one)} in ${value}` : containing(value, one), kind === "list");
    case "contains_any":
      return containingAny(value, several);
    case "one_of":
    case "none_of": {
      const found = isAddress(value) ? fromAny(value, several) : `${value} in [${several.map(quoted).join(", ")}]`;
      return negatedIf(op === "none_of", found, !isAddress(value));
    }
    case "empty":
    case "not_empty":
      return kind === "list" ? `size(${value}) ${op === "empty" ? "== 0" : "> 0"}` : `${value} ${op === "empty" ? "==" : "!="} ''`;
    case "more":
    case "less": {
      const count = op === "more" && Number(one) === 0 ? ">= 1" : `${op === "more" ? ">" : "<"} ${one}`; // `> 0` is "is not empty"
      return kind === "list" ? `size(${value}) ${count}` : `${value} ${op === "more" ? ">" : "<"} ${one}`;
    }
    default:
      return op === "yes" ? value : `!${value}`;
  }
}

const negatedIf = (isNegated: boolean, text: string, needsBrackets: boolean): string => (!isNegated ? text : needsBrackets ? `!(${text})` : `!${text}`);

// `lowerAscii` knows only the letters from A to Z: of others, a pattern takes both cases.
const isAscii = (text: string): boolean => [...text].every((one) => one <= "\x7f");
const SPECIAL = /[\\.+*?()|[\]{}^$]/g;
const low = (text: string): string => text.replace(/[A-Z]/g, (one) => one.toLowerCase());

// An address that is one of these, or has one of these domains.
function fromAny(value: string, texts: string[]): string {
  const entries = texts.map((one) => quoted(isAscii(one) ? low(one) : one)).join(", ");
  return `[${entries}].exists(w, ('@' + address(${value})).endsWith('@' + w))`;
}

function containing(value: string, text: string): string {
  return isAscii(text) ? `${value}.lowerAscii().contains(${quoted(low(text))})` : `${value}.matches(${quoted(`(?i)${text.replace(SPECIAL, "\\$&")}`)})`;
}

function containingAny(value: string, texts: string[]): string {
  if (!texts.every(isAscii)) return `${value}.matches(${quoted(`(?i)(${texts.map((one) => one.replace(SPECIAL, "\\$&")).join("|")})`)})`;
  return `[${texts.map((one) => quoted(low(one))).join(", ")}].exists(w, ${value}.lowerAscii().contains(w))`;
}

// Return a text as a literal; braces in it do not end the expression around it.
function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'").replaceAll('\\"', '"');
  return `'${inner.replaceAll("}}", "}\\u007d").replaceAll("{{", "{\\u007b")}'`;
}

// ---- reading

// Return the rows of an expression; undefined if none of its parts fits one.
export function conditionOf(source: string): Condition | undefined {
  const all = [...tokensOf(source)];
  const last = all.at(-1);
  const hasComment = all.some(({ kind, text }) => kind === "space" && text.startsWith("//"));
  if (!last || hasComment || last.offset + last.text.length !== source.length) return undefined;
  const { parts, join } = split(all);
  if (!parts) return undefined;
  const rows = parts.map((part): Row | Other => {
    const text = source.slice(part[0]!.offset, part.at(-1)!.offset + part.at(-1)!.text.length).trim();
    return { ...rowOf(bare(part.filter(({ kind }) => kind !== "space"))), source: text };
  });
  return rows.some(isRow) ? { join, rows } : undefined;
}

// Return the parts that `&&` or `||` join, both never; none of `a ? b : c`.
function split(all: Token[]): { parts?: Token[][]; join: Condition["join"] } {
  const parts: Token[][] = [[]];
  const joins = new Set<string>();
  let depth = 0;
  for (const token of all) {
    const isSign = token.kind === "sign";
    if (isSign && "([{".includes(token.text)) depth += 1;
    if (isSign && ")]}".includes(token.text)) depth -= 1;
    if (isSign && depth === 0 && token.text === "?") return { join: "all" };
    if (isSign && depth === 0 && (token.text === "&&" || token.text === "||")) {
      joins.add(token.text);
      parts.push([]);
    } else if (token.kind !== "space" || parts.at(-1)!.length > 0) parts.at(-1)!.push(token);
  }
  const isPlain = joins.size < 2 && parts.every((one) => one.length > 0);
  return { ...(isPlain && { parts }), join: joins.has("||") ? "any" : "all" };
}

// Return the tokens without brackets around all of them.
function bare(all: Token[]): Token[] {
  let found = all;
  while (found[0]?.text === "(" && closingOf(found, 0) === found.length - 1) found = found.slice(1, -1);
  return found;
}

function closingOf(all: Token[], opening: number): number {
  let depth = 0;
  for (let at = opening; at < all.length; at += 1) {
    if (all[at]!.kind !== "sign") continue;
    if ("([{".includes(all[at]!.text)) depth += 1;
    if (")]}".includes(all[at]!.text) && (depth -= 1) === 0) return at;
  }
  return -1;
}

// Reads the tokens of one comparison.
class Reader {
  private at = 0;

  constructor(private readonly all: Token[]) {}

  get isAtEnd(): boolean {
    return this.at >= this.all.length;
  }

  takes(...texts: string[]): boolean {
    if (!texts.every((text, index) => this.all[this.at + index]?.text === text)) return false;
    this.at += texts.length;
    return true;
  }

  // Return what `read` finds; at the place before it if that is nothing.
  maybe<T>(read: () => T | undefined): T | undefined {
    const before = this.at;
    const found = read();
    if (found === undefined) this.at = before;
    return found;
  }

  // A path, without a method that is called at its end.
  path(): string | undefined {
    const first = this.all[this.at];
    if (first?.kind !== "name" || ["true", "false", "null", "in"].includes(first.text) || this.all[this.at + 1]?.text === "(") return undefined;
    let found = first.text;
    this.at += 1;
    for (;;) {
      const [sign, inner, end] = this.all.slice(this.at, this.at + 3);
      if (sign?.text === "." && inner?.kind === "name" && end?.text !== "(") {
        found += `.${inner.text}`;
        this.at += 2;
      } else if (sign?.text === "[" && (inner?.kind === "number" || inner?.kind === "text") && end?.text === "]") {
        found += `[${inner.text}]`;
        this.at += 3;
      } else return found;
    }
  }

  // A path, or one with a default.
  value(): string | undefined {
    return this.maybe(() => {
      if (!this.takes("default", "(")) return this.path();
      const path = this.path();
      if (path === undefined || !this.takes(",")) return undefined;
      const { at } = this;
      while (!this.isAtEnd && !(this.all[this.at]!.kind === "sign" && this.all[this.at]!.text === ")")) this.at += 1;
      const empty = this.all.slice(at, this.at).map(({ text }) => text).join("");
      return ["''", '""', "[]", "{}", "0", "0.0", "false"].includes(empty) && this.takes(")") ? `default(${path}, ${empty})` : undefined;
    });
  }

  text(): string | undefined {
    const token = this.all[this.at];
    const found = token?.kind === "text" ? textOf(token.text) : undefined;
    if (found !== undefined) this.at += 1;
    return found;
  }

  number(): string | undefined {
    return this.maybe(() => {
      const sign = this.takes("-") ? "-" : "";
      let found = this.all[this.at]?.kind === "number" ? sign + this.all[this.at++]!.text : "";
      if (/e$/i.test(found) && (this.takes("+") || this.takes("-"))) found += `${this.all[this.at - 1]!.text}${this.all[this.at++]?.text ?? ""}`;
      return NUMBER.test(found) ? found : undefined;
    });
  }

  texts(): string[] | undefined {
    return this.maybe(() => {
      if (!this.takes("[")) return undefined;
      const found: string[] = [];
      do {
        const one = this.text();
        if (one === undefined || one === "") return undefined;
        found.push(one);
      } while (this.takes(","));
      return this.takes("]") ? found : undefined;
    });
  }
}

function rowOf(all: Token[]): Row | undefined {
  const isNegated = all[0]?.text === "!";
  const inner = isNegated ? bare(all.slice(1)) : all;
  for (const read of [comparison, sizeComparison, inList, fromOneOf, contained, containedAny, pattern, plain]) {
    const reader = new Reader(inner);
    const row = read(reader);
    if (row && reader.isAtEnd) return isNegated ? negated(row, inner.length < all.length - 1) : row;
  }
  return undefined;
}

const OPPOSITE: Partial<Record<Op, Op>> = { contains: "contains_not", one_of: "none_of", yes: "no", empty: "not_empty", is: "is_not" };

// `!a == b` negates only `a`.
function negated(row: Row, hadBrackets: boolean): Row | undefined {
  const op = OPPOSITE[row.op];
  const isCall = row.op === "yes" || (row.kind === "text" && (row.op === "contains" || (row.op === "one_of" && isAddress(row.value))));
  return op && (hadBrackets || isCall) ? { ...row, op } : undefined;
}

function comparison(from: Reader): Row | undefined {
  const value = from.value();
  if (value === undefined) return undefined;
  const is = from.takes("==") ? "is" : from.takes("!=") ? "is_not" : undefined;
  if (!is) {
    const op = from.takes(">") ? "more" : from.takes("<") ? "less" : undefined;
    const operand = op && from.number();
    return op && operand !== undefined ? { value, kind: "number", op, operand } : undefined;
  }
  if (from.takes("true")) return { value, kind: "boolean", op: is === "is" ? "yes" : "no", operand: "" };
  if (from.takes("false")) return { value, kind: "boolean", op: is === "is" ? "no" : "yes", operand: "" };
  const text = from.text();
  if (text === "") return { value, kind: "text", op: is === "is" ? "empty" : "not_empty", operand: "" };
  if (text !== undefined) return { value, kind: "text", op: is, operand: text };
  const number = from.number();
  return number === undefined ? undefined : { value, kind: "number", op: is, operand: number };
}

function sizeComparison(from: Reader): Row | undefined {
  if (!from.takes("size", "(")) return undefined;
  const value = from.value();
  if (value === undefined || !from.takes(")")) return undefined;
  const sign = ["==", "!=", ">=", ">", "<"].find((one) => from.takes(one));
  const operand = sign && from.number();
  if (!sign || operand === undefined) return undefined;
  const row = (op: Op, one = ""): Row => ({ value, kind: "list", op, operand: one });
  if (operand === "0" && sign === "==") return row("empty");
  if (operand === "0" && (sign === "!=" || sign === ">")) return row("not_empty");
  if (sign === ">=") return operand === "1" ? row("more", "0") : undefined;
  return sign === ">" ? row("more", operand) : sign === "<" ? row("less", operand) : undefined;
}

function inList(from: Reader): Row | undefined {
  const text = from.text();
  const value = from.value();
  if (text !== undefined) {
    const list = from.takes("in") ? from.value() : undefined;
    return value === undefined && text !== "" && list !== undefined ? { value: list, kind: "list", op: "contains", operand: text } : undefined;
  }
  const texts = value !== undefined && from.takes("in") ? from.texts() : undefined;
  // An address that must be exactly one of these is something else than the form would write.
  return texts && !isAddress(value!) ? { value: value!, kind: "text", op: "one_of", operand: texts } : undefined;
}

function fromOneOf(from: Reader): Row | undefined {
  const operand = from.texts();
  if (!operand?.every((one) => !isAscii(one) || isLow(one)) || !from.takes(".", "exists", "(", "w", ",", "(", "'@'", "+", "address", "(")) return undefined;
  const value = from.value();
  if (value === undefined || !isAddress(value) || !from.takes(")", ")", ".", "endsWith", "(", "'@'", "+", "w", ")", ")")) return undefined;
  return { value, kind: "text", op: "one_of", operand };
}

function contained(from: Reader): Row | undefined {
  const value = valueWithMethod(from);
  if (value === undefined || !from.takes("lowerAscii", "(", ")", ".", "contains", "(")) return undefined;
  const operand = from.text();
  return operand && isLow(operand) && from.takes(")") ? { value, kind: "text", op: "contains", operand } : undefined;
}

function containedAny(from: Reader): Row | undefined {
  const operand = from.texts();
  if (!operand?.every(isLow) || !from.takes(".", "exists", "(", "w", ",")) return undefined;
  const value = valueWithMethod(from);
  if (value === undefined || !from.takes("lowerAscii", "(", ")", ".", "contains", "(", "w", ")", ")")) return undefined;
  return { value, kind: "text", op: "contains_any", operand };
}

const isLow = (text: string): boolean => isAscii(text) && low(text) === text;

function pattern(from: Reader): Row | undefined {
  const value = valueWithMethod(from);
  const text = value !== undefined && from.takes("matches", "(") ? from.text() : undefined;
  if (value === undefined || !text?.startsWith("(?i)") || !from.takes(")")) return undefined;
  const rest = text.slice(4);
  const isList = rest.startsWith("(") && rest.endsWith(")");
  const found = alternatives(isList ? rest.slice(1, -1) : rest);
  if (!found || found.every(isAscii) || (!isList && found.length > 1)) return undefined;
  if (!isList) return { value, kind: "text", op: "contains", operand: found[0]! };
  return { value, kind: "text", op: "contains_any", operand: found };
}

// Return the texts that a pattern without any other signs takes.
function alternatives(text: string): string[] | undefined {
  const found = [""];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]!;
    if (sign === "|") found.push("");
    else if (sign === "\\" && /[\\.+*?()|[\]{}^$]/.test(text[at + 1] ?? "")) found.push(found.pop()! + text[(at += 1)]!);
    else if (/[\\.+*?()[\]{}^$]/.test(sign)) return undefined;
    else found.push(found.pop()! + sign);
  }
  return found.includes("") ? undefined : found;
}

function plain(from: Reader): Row | undefined {
  const value = from.value();
  return value === undefined ? undefined : { value, kind: "boolean", op: "yes", operand: "" };
}

function valueWithMethod(from: Reader): string | undefined {
  const value = from.value();
  return from.takes(".") ? value : undefined;
}

const ESCAPES: Record<string, string> = { "\\": "\\", "'": "'", '"': '"', n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

// Return the text of a literal; undefined if it has an escape that the form would not write.
function textOf(literal: string): string | undefined {
  let isKnown = true;
  const found = literal.slice(1, -1).replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, sign: string) => {
    if (code === undefined && !(sign in ESCAPES)) isKnown = false;
    return code === undefined ? (ESCAPES[sign] ?? "") : String.fromCharCode(parseInt(code, 16));
  });
  return isKnown ? found : undefined;
}

// ---- in words

// Return a condition as a clause: `Kind of “Classify” is “bug” and …`. `say` names a value, `other` what fits no row.
export function conditionWords(source: string, say: (value: string) => string, other: (source: string) => string): string {
  const found = conditionOf(source);
  if (!found) return other(source);
  const parts = found.rows.map((row) => (isRow(row) ? rowWords(row, say) : other(row.source)));
  return parts.join(` ${found.join === "all" ? t("and") : t("or")} `);
}

function rowWords({ value, kind, op, operand }: Row, say: (value: string) => string): string {
  const shown = Array.isArray(operand) ? operand.map((one) => `“${one}”`).join(", ") : kind === "number" || op === "more" || op === "less" ? operand : `“${operand}”`;
  return [say(value), wordOf(op, kind), takesNothing(op) ? "" : shown].filter(Boolean).join(" ");
}
