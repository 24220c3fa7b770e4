// The stream of events becomes a conversation, however it is cut into pieces, and also if its end is missing.
import { describe, expect, test } from "vitest";

import { asked, heard, proposalsIn, refused, working } from "../../src/copilot/conversation";
import { EventReader } from "../../src/copilot/events";
import { inline, isOwn } from "../../src/copilot/Prose";
import { part, type Conversation, type Turn } from "../../src/copilot/shapes";

const EMPTY: Conversation = { workflow: "w", turns: [], from_outside: false };
const DONE: Turn = { id: "t1", at: "2026", asked: "why?", status: "done", source: "model", parts: [part({ text: "All of it." })], calls: [], problem: "", usage: null, repairs: 1, seconds: 2, sent: { host: "h", model: "m", steps_with_values: [], from_outside: true } };
const sse = (type: string, data: unknown): string => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
const STREAM = [
  sse("turn", { id: "t1", source: "model" }),
  ": a sign of life\n\n",
  sse("call", { tool: "step_types", words: "Looked at 2 step types", ok: true }),
  sse("text", { text: "Näm" }),
  sse("text", { text: "lich\n\nso" }),
  sse("proposal", { id: "p-1" }),
  sse("part", part({ kind: "proposal", proposal_id: "p-1" })),
  sse("text", { text: "More" }),
  sse("later", { what: "of a newer server" }),
].join("");

function after(pieces: string[], conversation = asked(EMPTY, "why?", "2026")): Conversation {
  const reader = new EventReader();
  return pieces.flatMap((one) => reader.read(one)).reduce(heard, conversation);
}

describe("a stream", () => {
  test.each([1, 2, 7, 10_000])("in pieces of %i characters is the same conversation", (size) => {
    const pieces = STREAM.match(new RegExp(`[^]{1,${size}}`, "g"))!;
    const [turn] = after(pieces).turns;
    expect(turn).toMatchObject({ id: "t1", source: "model", status: "working", asked: "why?" });
    expect(turn!.parts.map((one) => one.text || one.proposal_id)).toEqual(["Nämlich\n\nso", "p-1", "More"]);
    expect(turn!.calls.map((one) => one.words)).toEqual(["Looked at 2 step types"]);
  });

  test("ends with the turn as the server has it, which tells of text from outside", () => {
    const conversation = after([STREAM, sse("done", DONE)]);
    expect(conversation.turns).toEqual([DONE]);
    expect(conversation.from_outside).toBe(true);
    expect(working(conversation)).toBeNull();
  });

  test("with line ends of Windows, and data in several lines", () => {
    expect(new EventReader().read('event: text\r\ndata: {"text":\r\ndata: "a"}\r\n\r\n')).toEqual([{ type: "text", text: "a" }]);
  });
});

describe("a question", () => {
  test("that the server does not take leaves no turn", () => {
    expect(refused(asked({ ...EMPTY, turns: [DONE] }, "again?", "2026")).turns).toEqual([DONE]);
    const begun = after([sse("turn", { id: "t2", source: "rules" })]);
    expect(refused(begun).turns).toHaveLength(1);
  });

  test("has the proposals of its parts", () => {
    expect([...proposalsIn(after([STREAM]))]).toEqual(["p-1"]);
  });
});

describe("the words of a model", () => {
  test.each([["/run?id=1", true], ["?tab=canvas", true], ["//evil.example", false], ["/\\evil.example", false], ["https://evil.example", false], ["javascript:alert(1)", false], ["", false]])(
    "may link to %s: %s",
    (href, may) => expect(isOwn(href)).toBe(may),
  );

  test("become text where they link elsewhere or have a picture", () => {
    const kinds = inline("`a` **b** [own](/runs) [other](https://evil.example) ![picture](/x.png)").map((one) => (typeof one === "object" && one && "type" in one ? String(one.type) : one));
    expect(kinds.filter((one) => one !== " " && one !== "")).toEqual(["code", "b", "a", "other", "picture"]);
  });
});
