// What the co-pilot's rules say is learned in the language of the page; what a model says stays as it is.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { answered, routes } from "../../src/copilot/requests";
import { part, type Turn } from "../../src/copilot/shapes";
import { said, speak } from "../../src/language";

const TURN: Turn = { id: "t1", at: "2026", asked: "explain", status: "done", source: "rules", parts: [], calls: [], problem: "", usage: null, repairs: 0, seconds: 0, sent: null };
const ASKING = { text: "explain", selection: [], run_id: "", values: [] };

let turn: Turn = TURN;

function answer(path: string, { body }: RequestInit = {}): Promise<Response> {
  if (path.endsWith("/turns")) return Promise.resolve(new Response(`event: done\ndata: ${JSON.stringify(turn)}\n\n`));
  if (path !== "/live/messages") return Promise.resolve(new Response(JSON.stringify({ why_not: "No model.", sends: ["Your question."] })));
  const { messages } = JSON.parse(String(body)) as { messages: string[] };
  return Promise.resolve(new Response(JSON.stringify({ messages: messages.map((one) => `de: ${one}`) })));
}

async function heard(now: Partial<Turn>): Promise<void> {
  turn = { ...TURN, ...now };
  for await (const event of answered("w", ASKING)) expect(event.type).toBe("done");
}

beforeEach(() => {
  speak({ "en-GB": "de-DE" });
  vi.stubGlobal("fetch", answer);
});
afterEach(() => {
  speak({});
  vi.unstubAllGlobals();
});

test("of which model is asked", async () => {
  await routes.setup();
  expect([said("No model."), said("Your question.")]).toEqual(["de: No model.", "de: Your question."]);
});

test("of an answer by rules, line by line", async () => {
  await heard({ parts: [part({ text: "It reads.\n  - Mails: reads Gmail" })] });
  expect([said("It reads."), said("Mails: reads Gmail")]).toEqual(["de: It reads.", "de: Mails: reads Gmail"]);
});

test("but not of a model", async () => {
  await heard({ source: "model", problem: "It gave up.", parts: [part({ text: "I am done." })] });
  expect([said("It gave up."), said("I am done.")]).toEqual(["de: It gave up.", "I am done."]);
});
