// Whether two conditions exclude each other, as far as their texts tell: `x` and `!x`, `x == "a"` and `x == "b"`.

const EQUAL = /^(.+?)\s*(==|!=)\s*('[^'\\]*'|"[^"\\]*"|-?\d+(?:\.\d+)?|true|false|null)$/s;

// Return whether at most one of two conditions can be true. False if that is not plain from their texts.
export function exclude(one: string, other: string): boolean {
  if (!one || !other) return false;
  if (isNegation(bare(one), bare(other))) return true;
  const [first, second] = [conjuncts(bare(one)), conjuncts(bare(other))];
  return first.some((a) => second.some((b) => isNegation(a, b) || areDifferent(a, b)));
}

const isNegation = (one: string, other: string): boolean => negated(one) === other || negated(other) === one;

// Return what a negation negates.
function negated(text: string): string | null {
  if (!text.startsWith("!")) return null;
  const rest = text.slice(1).trim();
  const inner = bare(rest);
  // `!a && b` is no negation as a whole.
  return inner !== rest || !/[\s&|?<>=!+*/%-]/.test(outside(inner)) ? inner : null;
}

function areDifferent(one: string, other: string): boolean {
  const [first, second] = [EQUAL.exec(one), EQUAL.exec(other)];
  if (!first || !second || first[1] !== second[1] || isMixed(first[1]!)) return false;
  const isSame = literal(first[3]!) === literal(second[3]!);
  return first[2] === second[2] ? first[2] === "==" && !isSame : isSame;
}

// An expression of `||` or `? :` is not one comparison.
const isMixed = (text: string): boolean => /\|\||&&|\?(?!\.)|[<>=!]=/.test(outside(text));

const literal = (text: string): string => (/^['"]/.test(text) ? `text ${text.slice(1, -1)}` : /\d/.test(text) ? `number ${Number(text)}` : text);

// Return the parts of `a && b`; the whole if there is an `||` or `? :` around them.
function conjuncts(text: string): string[] {
  const plain = outside(text);
  if (/\|\||\?(?!\.)/.test(plain)) return [text];
  const found: string[] = [];
  let begin = 0;
  for (let at = plain.indexOf("&&"); at >= 0; at = plain.indexOf("&&", begin)) {
    found.push(bare(text.slice(begin, at)));
    begin = at + 2;
  }
  return [...found, bare(text.slice(begin))];
}

// Return a text without the brackets around all of it.
function bare(text: string): string {
  let found = text.trim();
  while (found.startsWith("(") && /^_*$/.test(outside(found))) found = found.slice(1, -1).trim();
  return found;
}

// Return a text of the same length with `_` in place of what is quoted or in brackets.
function outside(text: string): string {
  let found = "";
  let depth = 0;
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at]!;
    const isIn = depth > 0 || quote !== "";
    if (quote) {
      if (one === "\\") {
        found += "__";
        at += 1;
        continue;
      }
      if (one === quote) quote = "";
    } else if (one === "'" || one === '"') quote = one;
    else if ("([{".includes(one)) depth += 1;
    else if (")]}".includes(one)) depth -= 1;
    found += isIn || quote || depth > 0 ? "_" : one;
  }
  return found;
}
