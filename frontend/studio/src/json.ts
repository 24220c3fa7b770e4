// JSON whose whole numbers stay exact: those that a number of JavaScript would round are kept as they are written.

// https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/JSON/rawJSON: JSON.stringify writes it unchanged.
const exact = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;
const LONG = /\d{16}/;
const WHOLE = /^-?\d+$/;

// Return the value of a text; in a browser without JSON.rawJSON, long numbers are rounded. Throws SyntaxError.
export function parseJson(text: string): unknown {
  if (!exact || !LONG.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? "";
    return typeof value === "number" && !Number.isSafeInteger(value) && WHOLE.test(source) ? exact(source) : value;
  });
}

// Return a copy of a JSON value; structuredClone would lose what keeps a long number exact.
export const copyOf = <T>(value: T): T => (value === undefined ? value : (parseJson(JSON.stringify(value)) as T));
