// The control for a list of records, such as the fields of a form: each is a form of its own.
import { useEffect, useRef, type ReactNode } from "react";

import type { Json } from "../api";
import { t } from "../language";
import { placeOf, useForm } from "./form";
import type { Path } from "./places";
import type { Schema } from "./schema";

export type Rec = Record<string, Json>;

interface Props {
  path: Path;
  label: string;
  // The shape of one record, without references.
  item: Schema;
  rows: Rec[];
  // The fields of each record.
  children: ReactNode[];
}

// Return a new record: what it must have, empty.
export const begun = (item: Schema): Rec => Object.fromEntries((item.required ?? []).map((name) => [name, ""]));

export function Records({ path, label, item, rows, children }: Props) {
  const form = useForm();
  const { edits, readOnly } = form;
  const isAdded = useRef(false);
  const last = useRef<HTMLDetailsElement>(null);
  const change = async (next: Rec[]) => {
    await edits.flush(); // what is typed in a record has its number
    edits.type(placeOf(form, path), next, { value: next.length > 0 ? next : undefined });
    await edits.flush();
  };
  useEffect(() => {
    if (!isAdded.current || !last.current) return;
    isAdded.current = false;
    last.current.open = true;
    last.current.querySelector("textarea")?.focus();
  }, [rows.length]);

  return (
    <div className="panel-rows">
      {rows.map((row, index) => (
        <details key={index} ref={index === rows.length - 1 ? last : undefined}>
          <summary>{titleOf(row) || t("{label}, entry {number}", { label, number: index + 1 })}</summary>
          <div className="panel-inside">
            {children[index]}
            {!readOnly && (
              <button type="button" className="panel-add" onClick={() => void change(rows.toSpliced(index, 1))}>
                {t("Remove {title}", { title: titleOf(row) || String(index + 1) })}
              </button>
            )}
          </div>
        </details>
      ))}
      {!readOnly && (
        <button
          type="button"
          className="panel-add"
          onClick={() => {
            isAdded.current = true;
            void change([...rows, begun(item)]);
          }}
        >
          {t("Add an entry to {label}", { label })}
        </button>
      )}
    </div>
  );
}

const titleOf = (row: Rec): string => String(row.label || row.title || row.name || "");
