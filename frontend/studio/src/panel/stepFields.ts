// The fields that every step may have, as schemas: the same controls show them.
import { N_ } from "../language";
import type { Schema } from "./schema";

const expression = (title: string, description = ""): Schema => ({ type: "string", title, description });

export const STEP_FIELDS: Record<string, Schema> = {
  title: { type: "string", title: N_("Title of the step"), isFixed: true },
  note: { type: "string", title: N_("Note"), isFixed: true, description: N_("For readers; it has no effect."), widget: "text" },
  uses: { type: "string", title: N_("Type"), isFixed: true, description: N_("What the step does."), format: "step-type" },
  connection: { type: "string", title: N_("Connection"), isFixed: true, description: N_("Whose account it uses. It is needed only if several fit.") },
  if: expression(N_("Runs only if"), N_("An expression that is true or false, such as {{ inputs.limit > 5 }}.")),
  foreach: expression(N_("For each item of"), N_("A list, such as {{ steps.mails.output.messages }}.")),
  as: { type: "string", title: N_("Name of the item"), isFixed: true, default: "item" },
  key: expression(N_("Key of the item"), N_("The permanent name of an item: what is written for it is written once over all runs.")),
  item_title: expression(N_("Title of the item"), N_("What people see of an item.")),
  parallel: { type: "integer", title: N_("Items at once"), isFixed: true, default: 1, minimum: 1, maximum: 256 },
  on_item_error: {
    title: N_("If an item fails"),
    isFixed: true,
    description: "stop: no new item starts. continue: the others finish, then the run fails. drop: it is left out.",
    enum: ["stop", "continue", "drop"],
    default: "stop",
  },
  attempts: { type: "integer", isFixed: true, title: N_("Attempts"), description: N_("Including the first."), default: 3, minimum: 1, maximum: 20 },
  backoff_seconds: { type: "number", isFixed: true, title: N_("Seconds before the second"), description: N_("Doubles each time."), default: 1 },
  on: { type: "array", isFixed: true, items: { type: "string" }, title: N_("Errors after which it tries again, beside the usual ones") },
  timeout_seconds: { type: "number", isFixed: true, title: N_("Seconds"), description: N_("For one attempt; for a group or loop: for everything inside.") },
  on_error: { title: N_("If it fails"), isFixed: true, enum: ["fail", "continue"], default: "fail" },
  approve: { title: N_("A person approves it"), isFixed: true, enum: ["always", "when_outside", "never"] },
  approve_rule: {
    title: N_("Approval"),
    isFixed: true,
    type: "object",
    properties: {
      when: { title: N_("A person approves it"), isFixed: true, enum: ["always", "when_outside", "never"] },
      by: { type: "array", isFixed: true, items: { type: "string" }, title: N_("Who may approve"), description: N_("Users or roles; empty: whoever may run.") },
      expires_after: { type: "string", isFixed: true, title: N_("The question ends after"), description: N_("Such as 2d or 12h; empty: never.") },
      on_expiry: { title: N_("If nobody answers"), isFixed: true, enum: ["reject", "continue"], default: "reject" },
    },
  },
  once: expression(N_("Written once for"), N_("A text that replaces the keys of the loops around it.")),
  allow: {
    type: "object",
    additionalProperties: true,
    title: N_("Allowed values"),
    isFixed: true,
    description: N_("The values that a field may have, by its name: a list such as [\"*@example.org\"]."),
  },
  output: { title: N_("Output"), description: N_("Of a group; else the outputs of its steps by id.") },
  id: { type: "string", isFixed: true, title: N_("Name in expressions"), description: N_("Changing it changes all references, too.") },
};
