// Problems in the words of the panel: a field is called by the label that it has there, and not by its name in the file.
import type { Problem } from "../api";
import { said, t } from "../language";
import { resolved, type Schema } from "./schema";

// Return a problem of the field `name`, which is labelled `label`; `root`: the schema of the fields beside it.
export function inWords(problem: Problem, name: string, label: string, root: Schema): Problem {
  const { message, remedy } = problem;
  const beside = (words: string): string => words.replaceAll(/`(\w+)`/g, (quoted, other) => (titleOf(other, root) ? `“${titleOf(other, root)}”` : quoted));
  // The engine quotes values in the same way, but the name of the field comes first.
  const own = said(message).replace(`'${name}'`, () => `“${label}”`);
  return { ...problem, message: beside(own), remedy: remedy.startsWith(`'${name}' means: `) ? "" : beside(said(remedy)) };
}

function titleOf(name: string, root: Schema): string {
  const schema = root.properties?.[name];
  const title = schema && resolved(schema, root).title;
  return title ? t(title) : "";
}
