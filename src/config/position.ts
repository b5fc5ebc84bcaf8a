/**
 * Line and column of something written in a config file. Costs a second parse, with parsers that keep positions, so it is
 * done only for what is shown to a person; the parsers are loaded then.
 */
import { readFile, stat } from "node:fs/promises";
import type { Location } from "../errors.ts";
import type { Written } from "../model.ts";

interface Span {
  line: number;
  column: number;
  length?: number;
}

interface Place {
  path: (string | number)[];
  key: Span;
  value: Span;
  /** Not written itself, only made by a longer path: counts where nothing better does. */
  implied?: boolean;
}

/** Positions of every key of one file, kept as long as the file stays the same. */
const cache = new Map<string, { stamp: string; places: Promise<Map<string, Place>> }>();

/**
 * Finds a key, or what it is set to (`part`: default the value; for tables and lists their key or header).
 * What no longer stands in the file gives the nearest thing above it, at last the first line.
 */
export async function locate(written: Written, part: "key" | "value" = "value"): Promise<Location> {
  const { file } = written;
  const places = await placesOf(file).catch(() => new Map<string, Place>());
  for (let depth = written.path.length; depth > 0; depth--) {
    const place = places.get(id(written.path.slice(0, depth)));
    if (!place) continue;
    const { line, column, length } = part === "value" && depth === written.path.length ? place.value : place.key;
    return { file, line, column, ...(length !== undefined && { length }) };
  }
  return { file, line: 1, column: 1 };
}

const id = (path: readonly (string | number)[]) => JSON.stringify(path.map(String));

async function placesOf(file: string): Promise<Map<string, Place>> {
  const { mtimeMs, size, ino } = await stat(file);
  const stamp = `${mtimeMs} ${size} ${ino}`;
  const known = cache.get(file);
  if (known?.stamp === stamp) return known.places;
  const places = readFile(file, "utf8").then(async (read) => {
    const text = read.startsWith("\uFEFF") ? read.slice(1) : read;
    const module = file.endsWith(".toml") ? await import("./position-toml.ts") : await import("./position-json.ts");
    const found = new Map<string, Place>();
    for (const place of module.placesIn(text)) {
      const known = found.get(id(place.path));
      if (!known || (known.implied && !place.implied)) found.set(id(place.path), place);
    }
    return found;
  });
  cache.set(file, { stamp, places });
  return places;
}

export type { Place, Span };
