// The title and the id of a step, edited in its place.
import { useEffect, useRef, useState, type FormEvent } from "react";

import { t } from "../language";
import type { Node } from "../model";
import { useSurroundings } from "./context";

export function RenameForm({ node, width }: { node: Node; width: number | string }) {
  const { studio } = useSurroundings();
  const refused = studio.dialog?.kind === "rename" ? studio.dialog.refused : undefined;
  const [title, setTitle] = useState(refused?.title ?? node.step.title);
  const [id, setId] = useState(refused?.id ?? node.step.id);
  const form = useRef<HTMLFormElement>(null);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.select(), []);

  const close = (): void => {
    if (studio.dialog?.kind === "rename") studio.open(null);
  };
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (studio.dialog?.kind !== "rename") return;
    close();
    studio.rename(node, title.trim(), id.trim() || node.step.id);
  };
  return (
    <form
      ref={form}
      className="studio-rename nodrag nopan nowheel"
      style={{ width }}
      onSubmit={submit}
      onBlur={(event) => !form.current?.contains(event.relatedTarget as Element | null) && submit()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") close();
        if (event.key === "Enter") submit(event);
      }}
      onPointerDown={(event) => event.stopPropagation()}
    >
      <label>
        {t("Title")}
        <input ref={first} value={title} onChange={(event) => setTitle(event.target.value)} />
      </label>
      <label>
        {t("Id")}
        <input className="studio-mono" value={id} onChange={(event) => setId(event.target.value)} spellCheck={false} />
      </label>
      {refused && <small role="alert">{refused.why}</small>}
      <button type="submit" hidden aria-label={t("Rename")} />
    </form>
  );
}
