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

const ENGLISH = "en";
const ANSWER_MS = 10_000;
// Of messages in a request; the server refuses more. The others stay in English.
const MOST_MESSAGES = 2_000;
// The translations of messages of the engine, by their English text.
const heard = new Map<string, string>();

// Return a message of the engine in the language of the page, in English if `learn` has not heard its translation.
export const said = (message: string): string => heard.get(message) ?? message;

// Ask the server for the translations of messages of the engine, which has them as templates
// (dashboard/base/messages.py). Without an answer they stay in English.
export async function learn(messages: (string | null | undefined)[]): Promise<void> {
  const language = locale().slice(0, 2);
  const unknown = [...new Set(messages)].filter((one): one is string => typeof one === "string" && one !== "" && !heard.has(one)).slice(0, MOST_MESSAGES);
  if (language === ENGLISH || unknown.length === 0) return;
  try {
    const answer = await fetch("/live/messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ language, messages: unknown }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { messages: found } = (await answer.json()) as { messages: string[] };
    for (const [at, one] of unknown.entries()) heard.set(one, found[at] ?? one);
  } catch {
    // The next ones are asked for again.
  }
}

// Mark a text that is translated where it is shown.
export const N_ = (text: string): string => text;

const filled = (text: string, values: Values): string =>
  text.includes("{") ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
