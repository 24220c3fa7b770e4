// The fields that every step may have, as schemas: the same controls show them.
import type { Schema } from "./schema";

const expression = (title: string, description = ""): Schema => ({ type: "string", title, description });

export const STEP_FIELDS: Record<string, Schema> = {
  title: { type: "string", title: "Title of the step", isFixed: true },
  note: { type: "string", title: "Note", isFixed: true, description: "For readers; it has no effect.", widget: "text" },
  uses: { type: "string", title: "Type", isFixed: true, description: "What the step does.", format: "step-type" },
  connection: { type: "string", title: "Connection", isFixed: true, description: "Whose account it uses. It is needed only if several fit." },
  if: expression("Runs only if", "An expression that is true or false, such as {{ inputs.limit > 5 }}."),
  foreach: expression("For each item of", "A list, such as {{ steps.mails.output.messages }}."),
  as: { type: "string", title: "Name of the item", isFixed: true, default: "item" },
  key: expression("Key of the item", "The permanent name of an item: what is written for it is written once over all runs."),
  item_title: expression("Title of the item", "What people see of an item."),
  parallel: { type: "integer", title: "Items at once", isFixed: true, default: 1, minimum: 1, maximum: 256 },
  on_item_error: {
    title: "If an item fails",
    isFixed: true,
    description: "stop: no new item starts. continue: the others finish, then the run fails. drop: it is left out.",
    enum: ["stop", "continue", "drop"],
    default: "stop",
  },
  attempts: { type: "integer", isFixed: true, title: "Attempts", description: "Including the first.", default: 3, minimum: 1, maximum: 20 },
  backoff_seconds: { type: "number", isFixed: true, title: "Seconds before the second", description: "Doubles each time.", default: 1 },
  on: { type: "array", isFixed: true, items: { type: "string" }, title: "Errors after which it tries again, beside the usual ones" },
  timeout_seconds: { type: "number", isFixed: true, title: "Seconds", description: "For one attempt; for a group or loop: for everything inside." },
  on_error: { title: "If it fails", isFixed: true, enum: ["fail", "continue"], default: "fail" },
  approve: { title: "A person approves it", isFixed: true, enum: ["always", "when_outside", "never"] },
  approve_rule: {
    title: "Approval",
    isFixed: true,
    type: "object",
    properties: {
      when: { title: "A person approves it", isFixed: true, enum: ["always", "when_outside", "never"] },
      by: { type: "array", isFixed: true, items: { type: "string" }, title: "Who may approve", description: "Users or roles; empty: whoever may run." },
      expires_after: { type: "string", isFixed: true, title: "The question ends after", description: "Such as 2d or 12h; empty: never." },
      on_expiry: { title: "If nobody answers", isFixed: true, enum: ["reject", "continue"], default: "reject" },
    },
  },
  once: expression("Written once for", "A text that replaces the keys of the loops around it."),
  allow: {
    type: "object",
    additionalProperties: true,
    title: "Allowed values",
    isFixed: true,
    description: "The values that a field may have, by its name: a list such as [\"*@example.org\"].",
  },
  output: { title: "Output", description: "Of a group; else the outputs of its steps by id." },
  id: { type: "string", isFixed: true, title: "Name in expressions", description: "Changing it changes all references, too." },
};
