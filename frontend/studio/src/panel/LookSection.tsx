// The icon, the colour and the size that the selected steps have on the canvas.
import { useState } from "react";

import type { StepLook } from "../api";
import { t } from "../language";
import { AUTOMATIC, colorOf, COLORS, iconTitle, ICONS } from "../own";
import { OwnIcon } from "../ui/StepIcon";

export interface Looking {
  lookOf(path: string): StepLook | undefined;
  onLook(change: Partial<StepLook>): void;
}

export function LookSection({ paths, readOnly, lookOf, onLook }: Looking & { paths: string[]; readOnly: boolean }) {
  const looks = paths.map((path) => lookOf(path) ?? AUTOMATIC);
  const [first = AUTOMATIC] = looks;
  const common = <Name extends keyof StepLook>(name: Name): StepLook[Name] | undefined => (looks.every((one) => String(one[name]) === String(first[name])) ? first[name] : undefined);
  const [icon, size] = [common("icon"), common("size")];
  return (
    <details className="panel-look">
      <summary>{t("Look on the canvas")}</summary>
      <fieldset disabled={readOnly}>
        <legend>{t("Icon")}</legend>
        <div className="panel-swatches">
          <Swatch group="icon" title={t("Automatic")} isChosen={icon === ""} choose={() => onLook({ icon: "" })}>
            {t("Automatic")}
          </Swatch>
          {Object.keys(ICONS).map((name) => (
            <Swatch key={name} group="icon" title={iconTitle(name)} isChosen={icon === name} choose={() => onLook({ icon: name })}>
              <OwnIcon icon={name} />
            </Swatch>
          ))}
        </div>
        <Emoji key={icon} icon={icon !== undefined && !ICONS[icon] ? icon : ""} set={(emoji) => onLook({ icon: emoji })} />
      </fieldset>
      <fieldset disabled={readOnly}>
        <legend>{t("Color")}</legend>
        <div className="panel-swatches">
          <Swatch group="color" title={t("Automatic")} isChosen={common("color") === ""} choose={() => onLook({ color: "" })}>
            {t("Automatic")}
          </Swatch>
          {Object.entries(COLORS).map(([name, { title }]) => (
            <Swatch key={name} group="color" title={t(title)} isChosen={common("color") === name} choose={() => onLook({ color: name })}>
              <span className="panel-color" style={{ background: colorOf(name) }} /> {t(title)}
            </Swatch>
          ))}
        </div>
      </fieldset>
      {size !== null && (
        <p>
          {size && t("Size: {width} × {height}", { width: size[0], height: size[1] })}{" "}
          <button type="button" className="studio-button" disabled={readOnly} onClick={() => onLook({ size: null })}>
            {t("Automatic size")}
          </button>
        </p>
      )}
    </details>
  );
}

interface SwatchProps {
  group: string;
  title: string;
  isChosen: boolean;
  choose(): void;
  children: React.ReactNode;
}

function Swatch({ group, title, isChosen, choose, children }: SwatchProps) {
  return (
    <label title={title}>
      <input type="radio" name={`look-${group}`} aria-label={title} checked={isChosen} onChange={choose} />
      {children}
    </label>
  );
}

// The server says what is no emoji.
function Emoji({ icon, set }: { icon: string; set(emoji: string): void }) {
  const [typed, setTyped] = useState(icon);
  const send = () => typed.trim() !== icon && set(typed.trim());
  return (
    <label className="panel-emoji">
      {t("Or an emoji")}
      <input value={typed} maxLength={32} onChange={(event) => setTyped(event.target.value)} onBlur={send} onKeyDown={(event) => event.key === "Enter" && send()} />
    </label>
  );
}
