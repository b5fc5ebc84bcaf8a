/** What is wrong with config files, collected without places; line and column are looked up once something is shown. */
import path from "node:path";
import type { Diagnostic, Location } from "../errors.ts";
import type { Written } from "../model.ts";
import { locate } from "./position.ts";

export interface Fault {
  severity: "error" | "warning";
  code: string;
  message: string;
  /** Where it is, as a path of keys… */
  at?: Written;
  /** …and whether the key is at fault or what it is set to. Default "value". */
  part?: "key" | "value";
  /** Where it is, when it is known already (syntax errors). */
  location?: Location;
  notes?: (string | PlaceNote)[];
}

/** A note that names another place: "the other one is at line 4". */
export interface PlaceNote {
  text: string;
  at: Written;
}

type More = Pick<Fault, "notes" | "part" | "location">;

/** The faults of one load. The same fault, met again through another environment that inherits it, counts once. */
export class Faults {
  readonly all: Fault[] = [];
  readonly #seen = new Set<string>();

  add(fault: Fault): void {
    const { file, path } = fault.at ?? { file: fault.location?.file, path: [fault.location?.line] };
    const id = JSON.stringify([fault.code, fault.message, file, path]);
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    this.all.push(fault);
  }

  error(code: string, message: string, at: Written | undefined, more: More = {}): void {
    this.add({ severity: "error", code, message, ...(at && { at }), ...more });
  }

  warning(code: string, message: string, at: Written | undefined, more: More = {}): void {
    this.add({ severity: "warning", code, message, ...(at && { at }), ...more });
  }

  /**
   * With places, in the order of files and lines.
   * @param cwd what the names of other files in notes are relative to
   */
  async diagnostics(cwd: string): Promise<Diagnostic[]> {
    const found = await Promise.all(this.all.map((fault) => diagnosticOf(fault, cwd)));
    const files = [...new Set(found.map(({ location }) => location?.file))];
    return found.sort(
      ({ location: a }, { location: b }) =>
        files.indexOf(a?.file) - files.indexOf(b?.file) ||
        (a?.line ?? 0) - (b?.line ?? 0) ||
        (a?.column ?? 0) - (b?.column ?? 0),
    );
  }
}

async function diagnosticOf(fault: Fault, cwd: string): Promise<Diagnostic> {
  const { severity, code, message, at, part, location, notes = [] } = fault;
  const place = location ?? (at && (await locate(at, part)));
  const texts = await Promise.all(notes.map((note) => noteText(note, place?.file, cwd)));
  return { severity, code, message, ...(place && { location: place }), ...(texts.length > 0 && { notes: texts }) };
}

async function noteText(note: string | PlaceNote, here: string | undefined, cwd: string): Promise<string> {
  if (typeof note === "string") return note;
  const { file, line } = await locate(note.at, "key");
  return `${note.text} ${file === here ? `line ${line}` : `${path.relative(cwd, file)}:${line}`}`;
}
