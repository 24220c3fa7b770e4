import { expect, test } from "vitest";

import { COLORS, fitting, ICONS, ownWords } from "../src/own";

const PAPER = { light: "#ffffff", dark: "#1d2029" };

// How the cones see a colour if those of one kind are missing: Machado, Oliveira and Fernandes 2009, of severity 1.
const EYES = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
};

const linear = (color: string): number[] =>
  [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));

const times = (rows: number[][], color: number[]): number[] => rows.map((row) => row.reduce((sum, one, index) => sum + one * color[index]!, 0));

const brightness = (color: string): number => times([[0.2126, 0.7152, 0.0722]], linear(color))[0]!;

function contrast(one: string, other: string): number {
  const [low, high] = [brightness(one), brightness(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function lab(color: string, eyes: number[][]): number[] {
  const seen = times(eyes, linear(color)).map((one) => Math.max(0, Math.min(1, one)));
  const [x, y, z] = times([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]], seen).map((one) => (one > 0.008856 ? Math.cbrt(one) : 7.787 * one + 16 / 116)) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test.each(["light", "dark"] as const)("colors stand out from the paper and from each other, also for the colour-blind: %s", (theme) => {
  const colors = Object.values(COLORS).map((one) => one[theme]);
  for (const color of colors) expect(contrast(color, PAPER[theme])).toBeGreaterThan(3);
  for (const eyes of Object.values(EYES)) {
    const seen = colors.map((one) => lab(one, eyes));
    for (const [index, one] of seen.entries()) for (const other of seen.slice(index + 1)) expect(Math.hypot(...one.map((part, at) => part - other[at]!))).toBeGreaterThan(12);
  }
});

test("a size stays within what can be kept", () => {
  expect(fitting([20, 20])).toEqual([140, 58]);
  expect(fitting([300.4, 1e6])).toEqual([300, 4000]);
});

test("readers hear the icon and the color", () => {
  expect(ownWords({ size: [300, 90], icon: "mail", color: "blue" })).toBe("icon: Mail, color: Blue");
  expect(ownWords({ size: null, icon: "📮", color: "" })).toBe("icon: 📮");
  expect(Object.keys(ICONS)).toHaveLength(24);
});
