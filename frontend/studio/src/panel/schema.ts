// Which control a field of a step type gets, by the shape of its JSON Schema.

import type { Json } from "../api";
import { N_ } from "../language";

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  // Texts that are suggested; others may be typed.
  examples?: string[];
  format?: string;
  contentMediaType?: string;
  role?: "content" | "destination" | "instruction" | "option";
  widget?: string;
  // Whether it is not folded away, although it may be left out.
  is_shown?: boolean;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  // Whether it takes no expressions.
  isFixed?: boolean;
  // Of a field of every step: where the panel shows it, the field that it needs, and whether it takes expressions.
  section?: string;
  only_with?: string;
  takes_expressions?: boolean;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

export type Control = "text" | "long" | "code" | "number" | "boolean" | "choice" | "list" | "map" | "object" | "records" | "json";

// Return a schema without references, and without `null` as an alternative: a field that is left out is not sent.
export function resolved(schema: Schema, root: Schema): Schema {
  if (schema.$ref) {
    const { $ref, ...rest } = schema;
    return resolved({ ...root.$defs?.[$ref.split("/").pop() ?? ""], ...rest }, root);
  }
  const others = schema.anyOf?.filter((one) => one.type !== "null");
  if (others?.length !== 1 || !others[0]) return schema;
  const { anyOf: _, ...rest } = schema;
  if (rest.default === null) delete rest.default;
  return { ...resolved(others[0], root), ...rest };
}

// Return the control for a resolved schema; where it allows two shapes, the present value decides.
export function controlOf(schema: Schema, root: Schema, value?: Json): Control {
  if (schema.enum) return "choice";
  if (schema.format === "workspace-file") return ofFiles(schema, value);
  if (schema.anyOf) return ofAlternatives(schema.anyOf.map((one) => controlOf(resolved(one, root), root)), value);
  switch (schema.type) {
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "string":
      if (schema.widget === "code") return "code";
      return schema.widget === "text" || schema.format === "multiline" ? "long" : "text";
    case "array":
      if (schema.widget === "records" && areRecords(value, resolved(schema.items ?? {}, root).properties ?? {})) return "records";
      return schema.items && ["text", "choice"].includes(controlOf(resolved(schema.items, root), root)) ? "list" : "json";
    case "object":
      return schema.properties ? "object" : "map";
    default:
      return "json";
  }
}

// Return whether a value is a list of records that have only members of the schema: nothing in it would be hidden.
function areRecords(value: Json | undefined, members: object): boolean {
  if (value === undefined) return true;
  const isRecord = (one: Json) => one !== null && typeof one === "object" && !Array.isArray(one) && Object.keys(one).every((name) => name in members);
  return Array.isArray(value) && value.every(isRecord);
}

// Return whether a field takes any value: a list, an object, a text.
export const takesAnything = ({ type, anyOf, enum: choices, format }: Schema): boolean => type === undefined && !anyOf && !choices && !format;

// Return whether a value of such a field can be shown as rows of names and values; so can none, and an empty text.
export const fitsRows = (value: Json | undefined): boolean => value === undefined || value === "" || (value !== null && typeof value === "object" && !Array.isArray(value));

// Return the control for a file: its path is a text; what is written in another form stays as it is.
function ofFiles(schema: Schema, value?: Json): Control {
  const given = Array.isArray(value) ? value : [value];
  if (given.some((one) => one !== undefined && typeof one !== "string")) return "json";
  return schema.type === "array" ? "list" : "text";
}

function ofAlternatives(kinds: Control[], value?: Json): Control {
  const is = (...wanted: Control[]) => kinds.length === wanted.length && wanted.every((one) => kinds.includes(one));
  if (is("text", "list")) return "list";
  if (is("text", "boolean")) return "text";
  if (is("map", "list")) return Array.isArray(value) ? "list" : "map";
  return "json";
}

// Return the choices of the field, or of the items of a list.
export function optionsOf(schema: Schema, root: Schema): Json[] {
  return schema.enum ?? (schema.items ? (resolved(schema.items, root).enum ?? []) : []);
}

interface Role {
  word: string;
  meaning: string;
  isStrict: boolean;
}

const ROLES: Record<string, Role> = {
  destination: {
    word: N_("Where"),
    meaning: N_("Decides where something goes or what is read. Text from outside may not go here."),
    isStrict: true,
  },
  instruction: {
    word: N_("How"),
    meaning: N_("Says what a model, a query or code does. Text from outside may not go here."),
    isStrict: true,
  },
  "text/html": {
    word: N_("HTML"),
    meaning: N_("Is sent as it is, with its links and pictures. Text from outside may not go here."),
    isStrict: true,
  },
  content: { word: N_("What"), meaning: N_("May hold text from outside, such as a mail."), isStrict: false },
};

// Return what a field is for in the trust of the workflow, in words.
export const roleOf = ({ role, contentMediaType }: Schema): Role | undefined => ROLES[contentMediaType ?? ""] ?? ROLES[role ?? ""];
