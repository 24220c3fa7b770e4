// Controls for lists and maps: a row for each entry.
import { useLayoutEffect, useRef } from "react";

import type { Json } from "../api";
import { t } from "../language";
import type { Suggestion } from "./account";
import { Expression, type ControlProps } from "./Expression";
import { cell, fromCell, type Read } from "./values";

interface RowsProps {
  id: string;
  label: string;
  value: Json | undefined;
  // The rows as they were typed, until the server has stored them.
  draft: Json | undefined;
  // For the control of each entry.
  control: ControlProps;
  onChange(draft: Json, read: Read, isUnfinished?: boolean): void;
}

interface ListProps extends RowsProps {
  options: string[];
  // Whether the field also takes a text, in place of a list with one entry.
  mayBeText: boolean;
  choices?: (() => Promise<Suggestion[]>) | undefined;
}

export function listRows(value: Json | undefined): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
}

// Return the list for the rows; empty rows are left out.
export function fromListRows(rows: string[], mayBeText: boolean, before: Json | undefined): Json | undefined {
  const found = rows.filter((one) => one !== "");
  if (found.length === 0) return undefined;
  return mayBeText && found.length === 1 && !Array.isArray(before) ? found[0] : found;
}

export function mapRows(value: Json | undefined): [string, string][] {
  if (!value || typeof value !== "object" || Array.isArray(value)) return [];
  return Object.entries(value).map(([key, one]) => [key, cell(one)]);
}

// Return the object for the rows, or what is wrong with their names.
export function fromMapRows(rows: [string, string][]): Read {
  const filled = rows.filter(([key, text]) => key !== "" || text !== "");
  const names = filled.map(([key]) => key);
  if (names.includes("")) return { error: t("A value has no name.") };
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { error: t("Two values have the name {name}.", { name: twice }) };
  return { value: filled.length === 0 ? undefined : Object.fromEntries(filled.map(([key, text]) => [key, fromCell(text)])) };
}

export function ListControl(props: ListProps) {
  const { id, label, value, draft, control, options, onChange } = props;
  const { isDisabled } = control;
  const rows = Array.isArray(draft) ? draft.map(String) : listRows(value);
  const box = useRef<HTMLDivElement>(null);
  const added = useAdded(box, rows.length);
  const change = (next: string[], isUnfinished = false) =>
    onChange(next, { value: fromListRows(next, props.mayBeText, value) }, isUnfinished);
  const add = () => {
    added.current = true;
    change([...rows, ""]);
  };
  if (options.length > 0) return <Checkboxes {...props} rows={rows} change={change} />;
  return (
    <div ref={box} className="panel-rows">
      {rows.map((text, index) => (
        <div key={index} className="panel-row">
          <Expression
            id={`${id}-${index}`}
            label={t("{label}, entry {number}", { label, number: index + 1 })}
            isUnnamed
            value={text}
            {...control}
            choices={props.choices}
            onChange={(next, isUnfinished) => change(rows.toSpliced(index, 1, next), isUnfinished)}
            onEnter={add}
          />
          {!isDisabled && <Remove label={t("{label}, entry {number}", { label, number: index + 1 })} onClick={() => change(rows.toSpliced(index, 1))} />}
        </div>
      ))}
      {!isDisabled && (
        <button type="button" className="panel-add" onClick={add}>
          {t("Add an entry")}
          <span className="panel-hidden">{` ${t("to {label}", { label })}`}</span>
        </button>
      )}
      {isDisabled && rows.length === 0 && <p className="panel-quiet">{t("Empty")}</p>}
    </div>
  );
}

function Checkboxes({ id, options, rows, change, control }: ListProps & { rows: string[]; change(rows: string[]): void }) {
  return (
    <div className="panel-rows">
      {options.map((one, index) => (
        <label key={one} className="panel-check">
          <input
            type="checkbox"
            id={`${id}-${index}`}
            disabled={control.isDisabled}
            checked={rows.includes(one)}
            onChange={(event) => change(event.target.checked ? [...rows, one] : rows.filter((other) => other !== one))}
          />
          {one}
        </label>
      ))}
    </div>
  );
}

export function MapControl(props: RowsProps & { members: string[] }) {
  const { id, label, value, draft, control, onChange } = props;
  const { isDisabled } = control;
  const rows = Array.isArray(draft) ? (draft as [string, string][]) : mapRows(value);
  const box = useRef<HTMLDivElement>(null);
  const added = useAdded(box, rows.length);
  const change = (next: [string, string][], isUnfinished = false) => onChange(next, fromMapRows(next), isUnfinished);
  const add = (name = "") => {
    added.current = true;
    change([...rows, [name, ""]]);
  };
  const lacking = props.members.filter((name) => !rows.some(([key]) => key === name));
  return (
    <div ref={box} className="panel-rows">
      {rows.map(([key, text], index) => (
        <div key={index} className="panel-row">
          <input
            id={`${id}-${index}-name`}
            aria-label={t("{label}, name {number}", { label, number: index + 1 })}
            value={key}
            disabled={isDisabled}
            placeholder="name"
            autoComplete="off"
            onChange={(event) => change(rows.toSpliced(index, 1, [event.target.value, text]))}
          />
          <Expression
            id={`${id}-${index}`}
            label={`${label}: ${key || t("value {number}", { number: index + 1 })}`}
            isUnnamed
            mayBreak
            value={text}
            {...control}
            onChange={(next, isUnfinished) => change(rows.toSpliced(index, 1, [key, next]), isUnfinished)}
            onEnter={() => add()}
          />
          {!isDisabled && <Remove label={`${label}: ${key || t("value {number}", { number: index + 1 })}`} onClick={() => change(rows.toSpliced(index, 1))} />}
        </div>
      ))}
      {!isDisabled && (
        <div className="panel-buttons">
          {lacking.map((name) => (
            <button key={name} type="button" className="panel-add" onClick={() => add(name)}>
              {t("Add {name}", { name })}
            </button>
          ))}
          <button type="button" className="panel-add" onClick={() => add()}>
            {t("Add a value")}
            <span className="panel-hidden">{` ${t("to {label}", { label })}`}</span>
          </button>
        </div>
      )}
      {isDisabled && rows.length === 0 && <p className="panel-quiet">{t("Empty")}</p>}
    </div>
  );
}

// Put the focus into a row that has just been added: into its name, if that is still empty.
function useAdded(box: React.RefObject<HTMLDivElement | null>, count: number) {
  const added = useRef(false);
  useLayoutEffect(() => {
    if (!added.current) return;
    added.current = false;
    const last = box.current?.querySelectorAll<HTMLElement>(".panel-row")[count - 1];
    const fields = [...(last?.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea") ?? [])];
    (fields.find((one) => one.value === "") ?? fields[0])?.focus();
  }, [box, count]);
  return added;
}

function Remove({ label, onClick }: { label: string; onClick(): void }) {
  return (
    <button type="button" className="panel-link" aria-label={t("Remove {label}", { label })} title={t("Remove")} onClick={onClick}>
      ✕
    </button>
  );
}
