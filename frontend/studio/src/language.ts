// The language of the page: the code has the English texts, and `mount` is given their translations (dashboard/locale).

export type Texts = Record<string, string | string[]>;
type Values = Record<string, string | number>;

let texts: Texts = {};

// Take the translations of a language; none for English.
export function speak(given: Texts): void {
  texts = given;
}

// Return a text in the language of the page, with `{name}` replaced by the value `name`.
export function t(text: string, values: Values = {}): string {
  const found = texts[text];
  return filled(typeof found === "string" ? found : text, values);
}

// Return the form of a text that fits a number, which is `{count}` in it.
export function tn(one: string, many: string, count: number, values: Values = {}): string {
  const forms = texts[many];
  const [single, other] = Array.isArray(forms) ? forms : [one, many];
  return filled((count === 1 ? single : other) ?? many, { count, ...values });
}

// Return the locale in which dates, times and numbers are written.
export const locale = (): string => t("en-GB");

// Mark a text that is translated where it is shown.
export const N_ = (text: string): string => text;

const filled = (text: string, values: Values): string =>
  text.includes("{") ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
