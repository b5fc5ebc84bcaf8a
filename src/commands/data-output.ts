/** How a value that was fetched leaves the data commands: as bytes, into a file, or inside JSON. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Context } from "../context.ts";
import type { DataPlace } from "../ops/data/index.ts";
import type { Output } from "../output/output.ts";

export interface Fetched extends DataPlace {
  key: string;
  size: number;
  /** Text, or base64 when it is none. Absent with `path`. */
  value?: string;
  encoding?: "utf8" | "base64";
  /** The file it was written to. */
  path?: string;
  [detail: string]: unknown;
}

/** A value that was read: written to a file, or as the result. */
export async function fetched(
  result: { value: unknown; bytes?: Uint8Array; place: DataPlace },
  file: string | undefined,
  context: Context,
): Promise<Fetched> {
  const bytes = result.bytes ?? new Uint8Array();
  const details = { ...result.place, ...(result.value as { key: string; size: number }) };
  if (file !== undefined) {
    const full = path.resolve(context.cwd, file);
    await writeFile(full, bytes);
    return { ...details, path: full };
  }
  const text = textOf(bytes);
  return text === undefined
    ? { ...details, value: Buffer.from(bytes).toString("base64"), encoding: "base64" }
    : { ...details, value: text, encoding: "utf8" };
}

/** The value itself, byte by byte, or where it was written. */
export function showFetched(result: Fetched, output: Output): void {
  if (result.path !== undefined) output.line(`${result.key} → ${result.path}`);
  else output.bytes(Buffer.from(result.value!, result.encoding));
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
