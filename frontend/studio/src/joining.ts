// A data line on its way into the draft: the names for it come from the server, and so does what speaks against it.
import { api, type Definition, type Operation, type StepType } from "./api";
import { applied } from "./document";
import { describedOutputs, ordered, outputsOf, pathOf, prefixOf, worse, written, type Target } from "./join";
import type { Node } from "./model";
import type { ScopeName } from "./panel/completion";
import { operationsFor } from "./panel/places";

export interface Joining {
  from: Node;
  to: Node;
  name: ScopeName;
  target: Target;
}

// Return the parts of an output that a step may use; if it does not wait for that step yet, the parts of its type.
export async function joinedNames(workflow: string, definition: Definition, types: readonly StepType[], from: Node, to: Node): Promise<ScopeName[]> {
  const prefix = prefixOf(from, to, definition);
  const { names } = await api.scope(workflow, to.step.id);
  const found = outputsOf(names, prefix);
  if (found.length > 0) return found;
  return describedOutputs(prefix, types.find(({ name }) => name === from.step.uses));
}

// Return the operations of a data line; or why it may not be drawn, in the words of the compiler.
export async function joinedBy(workflow: string, definition: Definition, { from, to, name, target }: Joining): Promise<Operation[] | string> {
  const order = ordered(from, to);
  if (typeof order === "string") return order;
  const place = { steps: [to.step.id], path: pathOf(target, name, definition, to.step.id) };
  const ops = [...order, ...operationsFor(definition, place, written(target, name))];
  const check = async (one: unknown) => (await api.validate(workflow, JSON.stringify(one))).problems;
  const [before, after] = await Promise.all([check(definition), check(applied(definition, ops))]);
  const found = worse(before, after);
  return found.length > 0 ? found.map(({ message, remedy }) => `${message} ${remedy}`.trim()).join(" ") : ops;
}
