import { type Node, parseTree } from "jsonc-parser";
import { placeOf } from "./parse.ts";
import type { Place, Span } from "./position.ts";

/** Every property and array element of a JSON text with comments. */
export function placesIn(text: string): Place[] {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const places: Place[] = [];
  if (root) visit(root, []);
  return places;

  function visit(node: Node, path: (string | number)[]): void {
    if (node.type === "array") {
      node.children?.forEach((child, index) => {
        const below = [...path, index];
        places.push({ path: below, key: span(child), value: span(child) });
        visit(child, below);
      });
    }
    if (node.type !== "object") return;
    for (const property of node.children ?? []) {
      const [key, value] = property.children ?? [];
      if (!key) continue;
      const below = [...path, String(key.value)];
      const scalar = value && value.type !== "object" && value.type !== "array";
      places.push({ path: below, key: span(key), value: span(scalar ? value : key) });
      if (value) visit(value, below);
    }
  }

  function span(node: Node): Span {
    const oneLine = !text.slice(node.offset, node.offset + node.length).includes("\n");
    return { ...placeOf(text, node.offset), length: oneLine ? node.length : 1 };
  }
}
