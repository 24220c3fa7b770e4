// What the card of a proposal says of the model that made it.
import { expect, test } from "vitest";

import type { Proposal } from "../../src/copilot/shapes";
import { madeWith } from "../../src/copilot/words";

const of = (usage: Proposal["usage"]): string => madeWith({ usage } as Proposal);

test("a proposal says what its model had used", () => {
  expect(of({ input_tokens: 5_000, output_tokens: 300, cost_usd: 0.0056 })).toMatch(/^Made with 5,300 tokens, (US)?\$0\.0056\.$/);
  expect(of({ input_tokens: 5_000, output_tokens: 300, cost_usd: null })).toBe("Made with 5,300 tokens, price unknown.");
  expect(of(null)).toBe("");
});
