// Below the field of a file: a place to drop one of this computer, and a link to its text and pages.
import { useState, type DragEvent } from "react";

import { t } from "../language";
import { addFile } from "./account";

interface Props {
  label: string;
  // The path that the field has; "" if it has none, or an expression.
  path: string;
  isDisabled: boolean;
  onAdded(path: string): void;
}

export function FileDrop({ label, path, isDisabled, onAdded }: Props) {
  const [said, setSaid] = useState("");
  const add = async (file: File | undefined) => {
    if (!file) return;
    setSaid(t("Adding {name} …", { name: file.name }));
    try {
      onAdded(await addFile(file));
      setSaid("");
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void add(event.dataTransfer.files[0]);
  };
  return (
    <div className="panel-buttons">
      {!isDisabled && (
        <label className="panel-drop" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
          {t("Add a file: choose or drop one")}
          <input
            type="file"
            className="panel-hidden"
            aria-label={t("Add a file for {label}", { label })}
            onChange={(event) => {
              void add(event.target.files?.[0]);
              event.target.value = "";
            }}
          />
        </label>
      )}
      {path && (
        <a href={`/files?file=${encodeURIComponent(path)}`} target="_blank" rel="noreferrer">
          {t("See its text and pages")}
        </a>
      )}
      <p role="status" className={said ? "panel-quiet" : "panel-hidden"}>
        {said}
      </p>
    </div>
  );
}
