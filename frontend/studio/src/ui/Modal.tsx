// The frame of every dialog: a title, a button that closes it, and the keys that stay inside.
import { useEffect, useRef, type ReactNode } from "react";

import { t } from "../language";
import { useSurroundings } from "./context";
import { Icon } from "./icons";

export function Modal({ title, className = "", children, onClose }: { title: string; className?: string; children: ReactNode; onClose?: () => void }) {
  const { studio } = useSurroundings();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal(); // which would begin at the button that closes it
    element.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => element.close();
  }, []);
  const close = onClose ?? (() => studio.open(null));
  return (
    <dialog
      ref={dialog}
      className={`studio-dialog ${className}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <header className="studio-dialog-head">
        <h3>{title}</h3>
        <button type="button" className="studio-plain" aria-label={t("Close")} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
