// The fields that all selected steps have, so that one change sets them in each.
import type { StepType } from "../api";
import { controlOf, optionsOf, resolved, type Schema } from "./schema";
import { isSame } from "./values";

export interface Shared {
  name: string;
  schema: Schema;
  root: Schema;
  isRequired: boolean;
}

const properties = (root: Schema): [string, Schema][] => Object.entries(root.properties ?? {});

// Return the fields of one step type, or those that all of these types have in the same shape.
export function sharedFields(types: StepType[]): Shared[] {
  const [first, ...others] = types.map((one) => one.fields_schema as Schema);
  if (!first) return [];
  return properties(first)
    .filter(([name, schema]) =>
      others.every((root) => {
        const other = root.properties?.[name];
        return other !== undefined && isAlike(resolved(schema, first), first, resolved(other, root), root);
      }),
    )
    .map(([name, schema]) => ({ name, schema, root: first, isRequired: (first.required ?? []).includes(name) }));
}

// A step type has so many fields before the unused ones are folded.
const MANY = 6;

// Return the names of fields in the order in which they are shown, and those that are not folded: first what is
// required, then what has a value, then what a step type wants to be shown, then what may be content and the prompt that
// it fills.
export function arranged(fields: Shared[], hasValue: (field: Shared) => boolean): { order: string[]; isFirst: Set<string> } {
  const rank = (one: Shared): number => [one.isRequired, hasValue(one), one.schema.is_shown, isFilled(one.schema), true].indexOf(true);
  const order = fields.toSorted((one, other) => rank(one) - rank(other));
  const shown = order.filter((one) => rank(one) < 4);
  const first = shown.length > 0 && fields.length > MANY ? shown : order;
  return { order: order.map(({ name }) => name), isFirst: new Set(first.map(({ name }) => name)) };
}

const isFilled = ({ role, format }: Schema): boolean => role === "content" || format === "prompt";

function isAlike(one: Schema, root: Schema, other: Schema, otherRoot: Schema): boolean {
  return (
    controlOf(one, root) === controlOf(other, otherRoot) &&
    one.format === other.format &&
    one.role === other.role &&
    isSame(one.type, other.type) &&
    isSame(optionsOf(one, root), optionsOf(other, otherRoot))
  );
}
