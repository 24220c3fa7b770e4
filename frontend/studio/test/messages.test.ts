// Messages of the engine in the language of the page.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { api, Refused, request } from "../src/api";
import { learn, said, speak } from "../src/language";
import { inWords } from "../src/panel/labels";

const GERMAN: Record<string, string> = { "There is no step 'a'.": "Einen Schritt 'a' gibt es nicht.", "Add one.": "Fügen Sie einen hinzu.", "'to' must not be empty.": "'to' darf nicht leer sein." };
const asked: string[][] = [];

// A server that translates what it knows, and answers all else as `answer` says.
function serve(answer: { status: number; body: unknown }) {
  vi.stubGlobal("fetch", (path: string, init: { body: string }) => {
    if (path !== "/live/messages") return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }));
    const { language, messages } = JSON.parse(init.body) as { language: string; messages: string[] };
    expect(language).toBe("de");
    asked.push(messages);
    return Promise.resolve(new Response(JSON.stringify({ messages: messages.map((one) => GERMAN[one] ?? one) })));
  });
}

beforeEach(() => {
  asked.length = 0;
  speak({ "en-GB": "de-DE" });
});
afterEach(() => {
  speak({});
  vi.unstubAllGlobals();
});

test("a refusal is told in the language of the page", async () => {
  serve({ status: 422, body: { error: { message: "There is no step 'a'.", remedy: "Add one.", reason: "There is no step 'a'.", operation: 0 } } });
  const refused = await request("POST", "/api/x", {}).catch((error: Refused) => error);
  expect(refused).toMatchObject({ message: "Einen Schritt 'a' gibt es nicht.", remedy: "Fügen Sie einen hinzu.", details: { reason: "Einen Schritt 'a' gibt es nicht.", operation: 0 } });
});

test("problems are known by the time they are shown, and asked for once", async () => {
  const problem = { message: "'to' must not be empty.", remedy: "", severity: "error" as const };
  serve({ status: 200, body: { problems: [problem, problem] } });
  const { problems } = await api.validate("w", "{}");
  await api.validate("w", "{}");
  expect(asked).toEqual([["'to' must not be empty."]]);
  expect(problems[0]!.message).toBe("'to' must not be empty."); // decided by, and only shown in another language
  expect(said(problems[0]!.message)).toBe("'to' darf nicht leer sein.");
  expect(inWords(problems[0]!, "to", "An", {}).message).toBe("“An” darf nicht leer sein.");
});

test("an English page asks for nothing, and without an answer all stays in English", async () => {
  speak({});
  vi.stubGlobal("fetch", () => Promise.reject(new Error("asked")));
  await learn(["A text of the engine."]);
  speak({ "en-GB": "de-DE" });
  await learn(["A text of the engine."]);
  expect(said("A text of the engine.")).toBe("A text of the engine.");
});
