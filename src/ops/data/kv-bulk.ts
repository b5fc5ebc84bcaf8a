/** Many keys at once: all is checked before anything is written, and written in parts, so that progress can be told. */
import type { DataSelection } from "./connect.ts";
import { type DataPlace, placeOf, withData } from "./index.ts";
import { type Entry, parseEntries } from "./kv.ts";
import type { BulkProgress } from "./r2-bulk.ts";

/** One part of an import: so many entries, and bytes of values. */
const PART = { entries: 500, bytes: 8 * 1024 * 1024 };

/**
 * Stores everything of a bulk file.
 * @throws TroupeError USAGE naming the entry that is wrong; nothing was written then
 */
export function importKeys(
  selection: DataSelection,
  name: string,
  options: { body: Uint8Array; progress: BulkProgress },
): Promise<{ place: DataPlace; imported: number }> {
  const entries = parseEntries(options.body).map(({ entry }) => entry);
  return withData(selection, "kv", name, async (connection) => {
    let done = 0;
    for (const part of parts(entries)) {
      await connection.run("import", {}, Buffer.from(JSON.stringify(part)));
      done += part.length;
      options.progress(done, entries.length);
    }
    return { place: placeOf(connection), imported: entries.length };
  });
}

function parts(entries: readonly Entry[]): Entry[][] {
  const all: Entry[][] = [];
  let current: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (current.length > 0 && (current.length === PART.entries || bytes + entry.value.length > PART.bytes)) {
      all.push(current);
      current = [];
      bytes = 0;
    }
    current.push(entry);
    bytes += entry.value.length;
  }
  return current.length > 0 ? [...all, current] : all;
}
