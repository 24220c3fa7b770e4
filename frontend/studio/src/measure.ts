// How wide a title is. The drawing needs to know before the browser has laid it out.
const known = new Map<string, number>();
let pen: CanvasRenderingContext2D | null = null;

export function titleWidth(title: string): number {
  if (typeof document === "undefined") return title.length * 7;
  const found = known.get(title);
  if (found !== undefined) return found;
  if (!pen) {
    pen = document.createElement("canvas").getContext("2d")!;
    const { fontFamily, fontSize } = getComputedStyle(document.querySelector(".studio") ?? document.body);
    pen.font = `600 ${fontSize} ${fontFamily}`;
  }
  const { width } = pen.measureText(title);
  if (document.fonts.status === "loaded") known.set(title, width);
  return width;
}
