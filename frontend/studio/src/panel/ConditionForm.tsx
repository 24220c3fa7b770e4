// The form of a condition: a row for each comparison, by titles and words.
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";

import type { Json } from "../api";
import { t } from "../language";
import { expressionFor, type ScopeName } from "./completion";
import { conditionOf, isComplete, isRow, opsFor, takesList, takesNothing, wordOf, written, type Condition, type Kind, type Op, type Row } from "./conditions";
import type { ControlProps } from "./Expression";
import { chipOf, pathOf } from "./meaning";
import { plainValue } from "./samples";
import { wholeOf } from "./template";
import type { Read } from "./values";
import { useNames, useTitles, ValuePicker } from "./ValuePicker";

interface Props {
  condition: Condition;
  control: ControlProps;
  onChange(draft: Json, read: Read): void;
}

const EMPTY: Row = { value: "", kind: "text", op: "is", operand: "" };
const NONE: Condition = { join: "all", rows: [] };

// Return the rows of a field's value, or those that were typed; undefined if it is none that rows can show.
export function shownCondition(value: Json | undefined, draft: Json | undefined): Condition | undefined {
  if (draft !== null && typeof draft === "object" && !Array.isArray(draft) && Array.isArray(draft.rows)) return draft as unknown as Condition;
  if (value === undefined || value === true) return NONE;
  const source = typeof value === "string" ? wholeOf(value) : undefined;
  return source === undefined ? undefined : conditionOf(source);
}

function kindOf({ type }: ScopeName): Kind {
  if (type.startsWith("boolean")) return "boolean";
  if (/^(?:integer|number)/.test(type)) return "number";
  return /^(?:list|array)/.test(type) ? "list" : "text";
}

export function ConditionForm({ condition, control, onChange }: Props) {
  const { join, rows } = condition;
  const box = useRef<HTMLDivElement>(null);
  const [added, setAdded] = useState(-1);
  const change = (next: Condition) => {
    const source = written(next);
    const read: Read = next.rows.length === 0 ? { value: undefined } : source === undefined ? { error: t("A condition lacks a value.") } : { value: `{{ ${source} }}` };
    onChange(next as unknown as Json, read);
  };
  const remove = (index: number) => {
    change({ join, rows: rows.toSpliced(index, 1) });
    box.current?.querySelector<HTMLElement>(".panel-add")?.focus();
  };
  return (
    <div ref={box} className="panel-rows">
      {rows.length > 1 && (
        <select aria-label={t("How many must hold")} disabled={control.isDisabled} value={join} onChange={(event) => change({ join: event.target.value === "any" ? "any" : "all", rows })}>
          <option value="all">{t("all of these")}</option>
          <option value="any">{t("any of these")}</option>
        </select>
      )}
      {rows.map((row, index) => (
        <div key={index} className="panel-condition" role="group" aria-label={t("Condition {number}", { number: index + 1 })}>
          {isRow(row) ? (
            <Comparison row={row} isNew={index === added} control={control} onChange={(next) => change({ join, rows: rows.toSpliced(index, 1, next) })} />
          ) : (
            <Formula source={row.source} />
          )}
          {!isComplete(row) && <span className="panel-unfinished panel-quiet">{t("not finished yet")}</span>}
          {!control.isDisabled && (
            <button type="button" className="panel-link" aria-label={t("Remove condition {number}", { number: index + 1 })} title={t("Remove")} onClick={() => remove(index)}>
              ✕
            </button>
          )}
        </div>
      ))}
      {!control.isDisabled && (
        <button
          type="button"
          className="panel-add"
          onClick={() => {
            setAdded(rows.length);
            change({ join, rows: [...rows, EMPTY] });
          }}
        >
          {t("Add a condition")}
        </button>
      )}
    </div>
  );
}

function Formula({ source }: { source: string }) {
  const names = useNames(true);
  const { words, about } = chipOf(source, names, useTitles());
  return (
    <span className="panel-chip" title={about}>
      {words}
    </span>
  );
}

interface ComparisonProps {
  row: Row;
  // Whether it has just been added: it begins with the choice of a value.
  isNew: boolean;
  control: ControlProps;
  onChange(next: Row): void;
}

function Comparison({ row, isNew, control, onChange }: ComparisonProps) {
  const { isDisabled, names: load } = control;
  const names = useNames(true);
  const titleOf = useTitles();
  const [isPicking, setPicking] = useState(isNew && row.value === "");
  const compare = useRef<HTMLSelectElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const next = useRef<"compare" | "button" | undefined>(undefined);
  useLayoutEffect(() => {
    if (next.current) (next.current === "compare" ? compare : button).current?.focus();
    next.current = undefined;
  });
  // What was read is written anew only if it changes.
  const change = (part: Partial<Row>) => {
    const { source: _, ...rest } = row;
    onChange({ ...rest, ...part });
  };
  const choose = (name: ScopeName) => {
    const [kind, value] = [kindOf(name), expressionFor(name)];
    const possible = opsFor(kind, value);
    const op = kind === row.kind && row.value !== "" && possible.includes(row.op) ? row.op : possible[0]!;
    setPicking(false);
    next.current = "compare";
    change({ value, kind, op, operand: kind === row.kind ? operandFor(op, row.operand) : operandFor(op, "") });
  };
  const path = pathOf(row.value);
  const sample = names.find(({ name }) => name === path)?.sample;
  const ops = opsFor(row.kind, row.value);
  return (
    <>
      <button ref={button} type="button" className="panel-value" disabled={isDisabled} aria-haspopup="listbox" aria-expanded={isPicking} onClick={() => setPicking(!isPicking)}>
        {row.value === "" ? t("Choose a value") : chipOf(row.value, names, titleOf).words}
      </button>
      {isPicking && (
        <ValuePicker
          label={t("What to compare")}
          names={load}
          onChoose={choose}
          onClose={(isEscaped) => {
            setPicking(false);
            if (isEscaped) next.current = "button";
          }}
        />
      )}
      {row.value !== "" && (
        <select ref={compare} aria-label={t("Comparison")} disabled={isDisabled} value={row.op} onChange={(event) => change({ op: event.target.value as Op, operand: operandFor(event.target.value as Op, row.operand) })}>
          {(ops.includes(row.op) ? ops : [row.op, ...ops]).map((op) => (
            <option key={op} value={op}>
              {wordOf(op, row.kind)}
            </option>
          ))}
        </select>
      )}
      {row.value !== "" && !takesNothing(row.op) && (
        <Operand row={row} isDisabled={isDisabled} example={sample ? t("such as {value}", { value: plainValue(sample) }) : ""} onChange={(operand) => change({ operand })} />
      )}
    </>
  );
}

const operandFor = (op: Op, before: Row["operand"]): Row["operand"] => {
  const first = Array.isArray(before) ? (before[0] ?? "") : before;
  if (takesNothing(op)) return "";
  return takesList(op) ? (Array.isArray(before) ? before : [first]) : first;
};

interface OperandProps {
  row: Row;
  isDisabled: boolean;
  example: string;
  onChange(operand: Row["operand"]): void;
}

function Operand({ row, isDisabled, example, onChange }: OperandProps) {
  const box = useRef<HTMLDivElement>(null);
  const isAdded = useRef(false);
  const { operand } = row;
  useLayoutEffect(() => {
    if (isAdded.current) [...(box.current?.querySelectorAll("input") ?? [])].at(-1)?.focus();
    isAdded.current = false;
  });
  const shared = { disabled: isDisabled, placeholder: example, autoComplete: "off", "aria-invalid": undefined };
  if (!Array.isArray(operand)) {
    const isNumber = row.kind === "number" || row.op === "more" || row.op === "less";
    const isWrong = isNumber && operand !== "" && !isComplete(row);
    return <input {...shared} aria-label={isNumber ? t("Number") : t("Text")} inputMode={isNumber ? "decimal" : undefined} aria-invalid={isWrong || undefined} value={operand} onChange={(event) => onChange(event.target.value)} />;
  }
  const add = () => {
    isAdded.current = true;
    onChange([...operand, ""]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    add();
  };
  return (
    <div ref={box} className="panel-entries">
      {operand.map((one, index) => (
        <input key={index} {...shared} aria-label={t("Entry {number}", { number: index + 1 })} value={one} onChange={(event) => onChange(operand.toSpliced(index, 1, event.target.value))} onKeyDown={onKeyDown} />
      ))}
      {!isDisabled && (
        <button type="button" className="panel-add" onClick={add}>
          {t("Add another")}
        </button>
      )}
    </div>
  );
}
