// The icon of a step: its own, or the icon of its kind.
import type { CanvasStep, StepLook } from "../api";
import { ICONS } from "../own";
import { Icon } from "./icons";
import { iconOf } from "./looks";

export function StepIcon({ step, look }: { step: CanvasStep; look: StepLook | undefined }) {
  return look?.icon ? <OwnIcon icon={look.icon} /> : <Icon name={iconOf(step)} />;
}

export const OwnIcon = ({ icon }: { icon: string }) => (
  <span className={ICONS[icon] ? "studio-symbol" : "studio-emoji"} aria-hidden="true">
    {icon}
  </span>
);
