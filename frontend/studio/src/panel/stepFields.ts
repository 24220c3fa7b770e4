// The fields that every step may have, as the server describes them (`GET /api/step-types`): the same controls show them.
import type { Json } from "../api";
import { resolved, type Schema } from "./schema";

// Return a field of every step; undefined until the schema of a step is loaded.
export function stepField(root: Schema, name: string): Schema | undefined {
  const field = root.properties?.[name];
  return field && { ...field, isFixed: !field.takes_expressions };
}

// Return the names of the fields of a section, in the order of the file.
export const namesIn = (root: Schema, section: string): string[] =>
  Object.entries(root.properties ?? {}).flatMap(([name, field]) => (field.section === section ? [name] : []));

// Return a field with the shape that its value has, if it may be a word or an object.
export function shaped(field: Schema, root: Schema, value: Json | undefined): Schema {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  const shape = field.oneOf?.map((one) => resolved(one, root)).find(({ type }) => (type === "object") === isObject);
  return shape ? { ...shape, ...field, title: shape.title ?? field.title ?? "", description: field.description ?? "" } : field;
}
