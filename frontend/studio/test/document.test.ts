import { expect, test } from "vitest";

import { applied } from "../src/document";

const definition = () => ({
  steps: [
    { id: "mails", uses: "gmail.search_messages" },
    { id: "each", foreach: "{{ steps.mails.output.messages }}", steps: [{ id: "issue", uses: "github.create_issue", on_error: { steps: [{ id: "tell", uses: "gmail.send" }] } }] },
  ],
});

test("operations change the tree as the server does", () => {
  const after = applied(definition(), [
    { op: "add", step: { id: "wait", uses: "flow.wait" }, before: "issue" },
    { op: "move", steps: ["tell", "mails"], into: "each" },
    { op: "wrap", steps: ["wait", "issue"], group: { id: "both" } },
    { op: "rename", step: "each", to: "each_mail" },
    { op: "set", step: "issue", field: "with.title", value: "A bug" },
    { op: "notes", step: "issue", text: "Ask Ann." },
  ]);
  expect(after.steps).toEqual([
    {
      id: "each_mail",
      foreach: "{{ steps.mails.output.messages }}",
      steps: [
        {
          id: "both",
          steps: [
            { id: "wait", uses: "flow.wait" },
            { id: "issue", uses: "github.create_issue", on_error: { steps: [] }, with: { title: "A bug" }, note: "Ask Ann." },
          ],
        },
        { id: "tell", uses: "gmail.send" },
        { id: "mails", uses: "gmail.search_messages" },
      ],
    },
  ]);
});

test("a step that is there already is not added again", () => {
  expect(() => applied(definition(), [{ op: "add", step: { id: "tell", uses: "flow.wait" } }])).toThrow("already");
});

test("a step does not get the name of another one", () => {
  expect(() => applied(definition(), [{ op: "rename", step: "mails", to: "tell" }])).toThrow("already");
});
