// The form of the workflow itself: its title, what a run is given, what it returns, and where links may lead.
import { useEffect, useRef, useState } from "react";

import type { CanvasStep, Definition, Json, Operation } from "../api";
import { N_, t } from "../language";
import { Markdown } from "../Markdown";
import { plainly } from "./account";
import { Choice, Field, Problems } from "./Field";
import { useExpressionsShown } from "./expressionSwitch";
import { placeOf, problemsAt, useForm } from "./form";
import { valueOf, WORKFLOW } from "./places";
import type { Schema } from "./schema";
import { titleOf, triggersIn, watchedWords } from "./triggers";
import { useLoaded } from "./useLoaded";
import { useSend } from "./useSend";

// The workflow where the panel expects a step.
export const THE_WORKFLOW: CanvasStep = {
  id: WORKFLOW, path: "", parent: "", place: "steps", title: N_("Workflow"), uses: "", service: "", kind: "group",
  effect: "", needs: null, condition: "", foreach: "", parallel: 1, note: "", reads: [],
};

const FIELDS: Record<string, Schema> = {
  title: { type: "string", title: N_("Title"), isFixed: true },
  description: { type: "string", title: N_("Description"), isFixed: true, widget: "text" },
  outputs: { type: "object", additionalProperties: true, title: N_("Outputs"), description: N_("What a run returns, by name: expressions over its steps.") },
  links: { type: "array", items: { type: "string" }, title: N_("Hosts of links"), isFixed: true, description: N_("Where links in written texts may lead, beside the pages of the services, such as docs.example.org.") },
};

// What an input may hold, in words. A list is empty unless a run gives one, which its rows cannot express.
const TYPES: Record<string, Schema> = {
  [N_("text")]: { type: "string" },
  [N_("whole number")]: { type: "integer" },
  [N_("number")]: { type: "number" },
  [N_("yes or no")]: { type: "boolean" },
  [N_("list of texts")]: { type: "array", items: { type: "string" }, default: [] },
};

const wordOf = ({ type, items }: Schema): string | undefined =>
  Object.keys(TYPES).find((word) => TYPES[word]?.type === type && (type !== "array" || items?.type === "string"));

export function WorkflowForm() {
  const form = useForm();
  const fields = new Set(["inputs", ...Object.keys(FIELDS)]);
  const others = form.problems.filter(({ step, field }) => step === null && !fields.has(field?.split(".")[0] ?? ""));
  const description = valueOf(form.definition, placeOf(form, ["description"]));
  return (
    <>
      <Problems problems={others} />
      {["title", "description"].map((name) => (
        <WorkflowField key={name} name={name} />
      ))}
      <Starts />
      <Inputs />
      {["outputs", "links"].map((name) => (
        <WorkflowField key={name} name={name} />
      ))}
      {typeof description === "string" && description.trim() && (
        <aside className="studio-note-shown" aria-label={t("As it is shown")}>
          <Markdown text={description} />
        </aside>
      )}
    </>
  );
}

function WorkflowField({ name }: { name: string }) {
  const schema = FIELDS[name] ?? {};
  return <Field path={[name]} schema={schema} root={schema} name={name} />;
}

// What starts it, in words; each opens its own form.
function Starts() {
  const { definition, triggers, readOnly } = useForm();
  const types = useLoaded(async () => triggers?.types() ?? [], triggers ? "types" : "");
  const found = triggersIn(definition);
  if (!triggers) return null;
  return (
    <section aria-label={t("When it starts")}>
      <h4>{t("When it starts")}</h4>
      {found.length === 0 && <p className="panel-quiet">{t("When somebody starts it.")}</p>}
      <p className="panel-buttons">
        {found.map((one) => {
          const type = types.value?.find(({ name }) => name === one.uses);
          return (
            <button key={one.index} type="button" className="panel-add" onClick={() => triggers.open(one.index)}>
              {[titleOf(one, type), watchedWords(one, type)].filter(Boolean).join(": ")}
            </button>
          );
        })}
        {!readOnly && (
          <button type="button" className="panel-add" onClick={() => triggers.open("new")}>
            {t("Add a trigger")}
          </button>
        )}
      </p>
    </section>
  );
}

function Inputs() {
  const form = useForm();
  const found = valueOf(form.definition, placeOf(form, ["inputs", "properties"])) as Record<string, Schema> | undefined;
  const names = Object.keys(found ?? {});
  const isRaw = useExpressionsShown();
  return (
    <section aria-label={t("Inputs")}>
      <h4>{t("Inputs")}</h4>
      <p className="panel-quiet">{isRaw ? t("What a run is given: steps use it as inputs.NAME.") : t("What a run is given.")}</p>
      {names.map((name) => (
        <Input key={name} name={name} schema={found?.[name] ?? {}} />
      ))}
      {!form.readOnly && <NewInput taken={names} />}
    </section>
  );
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function NewInput({ taken }: { taken: string[] }) {
  const form = useForm();
  const [name, setName] = useState("");
  const { send, failure } = useSend();
  const said = taken.includes(name) ? t("There is already an input {name}.", { name }) : name && !NAME.test(name) ? t("A name has letters, digits and _, and begins with a letter.") : failure;
  const add = async () => {
    if (!name || said) return;
    const isKept = await send([addedInput(form.definition, name)]);
    if (isKept) setName("");
  };
  return (
    <div className="panel-field">
      <label htmlFor="panel-new-input" className="panel-label">
        {t("Name of a new input")}
      </label>
      <div className="panel-row">
        <input
          id="panel-new-input"
          value={name}
          autoComplete="off"
          aria-invalid={said !== "" || undefined}
          aria-describedby="panel-new-input-about"
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            void add();
          }}
        />
        <button type="button" className="panel-add" disabled={!name} onClick={() => void add()}>
          {t("Add the input")}
        </button>
      </div>
      <div id="panel-new-input-about" className="panel-about">
        {said && <p className="panel-problem">{said}</p>}
      </div>
    </div>
  );
}

// Return the operation that adds an input: a text, until its type is chosen.
export function addedInput(definition: Definition, name: string): Operation {
  const input = { type: "string" };
  if (!definition?.inputs) return { op: "set", field: "inputs", value: { type: "object", properties: { [name]: input } } };
  if (!definition.inputs.properties) return { op: "set", field: "inputs.properties", value: { [name]: input } };
  return { op: "set", field: ["inputs", "properties", name], value: input };
}

// Return the operations that give an input another type: what only the old one could have goes.
export function retyped(name: string, schema: Schema, word: string): Operation[] {
  const { type: _, items: __, default: ___, minimum: ____, maximum: _____, format: ______, enum: _______, ...rest } = schema;
  return [{ op: "set", field: ["inputs", "properties", name], value: { ...TYPES[word], ...rest } as Json }];
}

function Input({ name, schema }: { name: string; schema: Schema }) {
  const form = useForm();
  const { send, failure } = useSend();
  const place = ["inputs", "properties", name];
  const word = wordOf(schema);
  const isNew = useRef(schema.title === undefined);
  const types = async () => plainly(formatsIn((await form.stepTypes()).map((one) => one.fields_schema as Schema)));
  const field = (key: string, one: Schema) => (
    <Field key={key} path={[...place, key]} schema={{ isFixed: true, ...one }} root={one} name={key} choices={key === "format" ? types : undefined} />
  );
  const problems = problemsAt(form, place);
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (isNew.current) box.current?.querySelector("textarea")?.focus();
  }, []);
  const isNumber = word === "whole number" || word === "number";
  return (
    <details ref={box} className="panel-input" data-input={name} open={isNew.current || problems.length > 0 || undefined}>
      <summary>
        <code>{name}</code> <span className="panel-quiet">{schema.title ?? ""} · {word ? t(word) : "JSON"}</span>
      </summary>
      <div className="panel-inside" role="group" aria-label={t("Input {name}", { name })}>
        {field("title", { type: "string", title: t("Title of the input") })}
        <div className="panel-field">
          <label className="panel-label" htmlFor={`panel-type-${name}`}>
            {t("Type")}
          </label>
          <Choice
            id={`panel-type-${name}`}
            value={word}
            options={Object.keys(TYPES)}
            shown={t}
            empty={word === undefined ? t("Another: see the text") : t("Choose …")}
            isDisabled={form.readOnly}
            isInvalid={false}
            describedBy={`panel-type-${name}-about`}
            onChoose={(one) => typeof one === "string" && one !== word && void send(retyped(name, schema, one))}
          />
          <div id={`panel-type-${name}-about`} className="panel-about">
            {failure && <p className="panel-problem">{failure}</p>}
          </div>
        </div>
        {word === undefined ? field("default", { title: t("If it is not given") }) : field("default", { ...TYPES[word], title: t("If it is not given") })}
        {isNumber && field("minimum", { type: "number", title: t("At least") })}
        {isNumber && field("maximum", { type: "number", title: t("At most") })}
        {word === "text" && field("format", { type: "string", title: t("What it names"), description: t("Then the account's own are offered, such as its repositories; textarea for a long text.") })}
        {word === "text" && field("enum", { type: "array", items: { type: "string" }, title: t("Only one of") })}
        {field("description", { type: "string", title: t("Help") })}
        <Problems problems={problems.filter((one) => one.field === place.join("."))} />
        {!form.readOnly && (
          <button type="button" className="panel-add" onClick={() => void send(removedInput(form.definition, name))}>
            {t("Remove the input")}<span className="panel-hidden"> {name}</span>
          </button>
        )}
      </div>
    </details>
  );
}

// Return the operations that remove an input; without the last one there is nothing left to describe.
export function removedInput(definition: Definition, name: string): Operation[] {
  const names = Object.keys(definition?.inputs?.properties ?? {});
  if (names.length === 1) return [{ op: "unset", field: "inputs" }];
  const required = (definition?.inputs?.required ?? []) as string[];
  const rest = required.filter((one) => one !== name);
  const without: Operation[] = rest.length < required.length ? [{ op: "set", field: "inputs.required", value: rest }] : [];
  return [...without, { op: "unset", field: ["inputs", "properties", name] }];
}

// Return what the fields of step types may name: repositories, databases and the like.
function formatsIn(schemas: Schema[]): string[] {
  const found = schemas.flatMap((schema) => Object.values(schema.properties ?? {}).map(({ format }) => format));
  return [...new Set(["textarea", ...found.filter((one): one is string => one !== undefined)])].sort();
}
