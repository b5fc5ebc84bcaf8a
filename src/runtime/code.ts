/** A bundle as Miniflare takes it, with the one thing added that tells whose log line is whose. */
import type { WorkerOptions } from "../bindings/kind.ts";
import type { Bundle, Module } from "../model.ts";

type Manifest = NonNullable<WorkerOptions["config"]["manifest"]>;

/**
 * Log lines of workerd carry no Worker name. They do carry what `console` was given, nicely formatted and at once; so in
 * each isolate `console` puts a mark before its arguments, and the log reader takes it off again. (A tail Worker would
 * tell the name too, but only after the request, and with arguments flattened to strings.)
 */
export const MARK = "\u0001";
const ENTRY = "__troupe_entry.js";
const PRELUDE = "__troupe_console.js";

/** Marks end in a character of their own when the first argument was no string, since `console` adds a space then. */
function prelude(id: string): string {
  const mark = JSON.stringify(MARK + id);
  return `for (const level of ["debug", "error", "info", "log", "warn"]) {
  const original = console[level].bind(console);
  console[level] = (...args) =>
    typeof args[0] === "string" ? original(${mark} + "\\u0002" + args[0], ...args.slice(1)) : original(${mark} + "\\u0003", ...args);
}
`;
}

/** Takes the mark off a log message. @returns undefined for a message without one */
export function unmark(message: string): { worker: string; message: string } | undefined {
  const match = /^\u0001([^\u0002\u0003]+)([\u0002\u0003])/.exec(message);
  if (!match) return undefined;
  const rest = message.slice(match[0].length);
  return { worker: match[1]!, message: match[2] === "\u0003" ? rest.replace(/^ /, "") : rest };
}

export interface CodeOptions {
  /** Marks the log lines of this worker. */
  markLogs: boolean;
  /** Puts source maps into the code, for debuggers. `dir`: what their `sources` are relative to. */
  inlineMaps?: { dir: string };
}

/** @returns the part of Miniflare's worker options that holds the code */
export function codeOptions(
  id: string,
  bundle: Bundle,
  options: CodeOptions,
): Pick<WorkerOptions, "legacy"> & { manifest?: Manifest; env?: WorkerOptions["config"]["env"] } {
  const main = bundle.modules.find((module) => module.name === bundle.mainModule)!;
  const text = (module: Module) => Buffer.from(module.contents).toString("utf8");
  const source = (module: Module) =>
    options.inlineMaps ? withInlineMap(text(module), module, bundle, options.inlineMaps.dir) : text(module);
  if (bundle.format === "service-worker") {
    // In one line before the script, so that line numbers stay what they are but for the first.
    const before = options.markLogs ? prelude(id).replaceAll("\n", " ") : "";
    return { legacy: { serviceWorkerScript: before + source(main), ...globalBlobs(bundle) }, env: globalTexts(bundle) };
  }
  const modules: Manifest["modules"] = {};
  for (const module of bundle.modules) {
    if (module.type === "sourcemap") continue;
    const binary = module.type === "wasm" || module.type === "data";
    const contents = binary
      ? new Uint8Array(module.contents)
      : module.type === "esm" || module.type === "cjs"
        ? source(module)
        : text(module);
    modules[module.name] = { type: module.type, contents };
  }
  if (!options.markLogs || main.type !== "esm") return { manifest: { mainModule: bundle.mainModule, modules } };
  const from = JSON.stringify(`./${bundle.mainModule}`);
  const lines = [`import "./${PRELUDE}";`, `export * from ${from};`];
  if (bundle.exports.includes("default")) lines.push(`export { default } from ${from};`);
  // The main module comes first for Miniflare; evaluation order is that of the imports.
  return {
    manifest: {
      mainModule: ENTRY,
      modules: {
        [ENTRY]: { type: "esm", contents: lines.join("\n") },
        [PRELUDE]: { type: "esm", contents: prelude(id) },
        ...modules,
      },
    },
  };
}

/** In service-worker syntax modules are global variables. */
function globalBlobs(bundle: Bundle): WorkerOptions["legacy"] {
  const of = (type: Module["type"]) =>
    Object.fromEntries(
      bundle.modules
        .filter((module) => module.type === type)
        .map((module) => [module.name, new Uint8Array(module.contents)]),
    );
  return { wasmBindings: of("wasm"), dataBlobBindings: of("data") };
}

/** Miniflare wants files for text blobs; a text binding is the same global variable. */
function globalTexts(bundle: Bundle): NonNullable<WorkerOptions["config"]["env"]> {
  const texts = bundle.modules.filter((module) => module.type === "text");
  return Object.fromEntries(
    texts.map((module) => [
      module.name,
      { type: "text" as const, value: Buffer.from(module.contents).toString("utf8") },
    ]),
  );
}

function withInlineMap(code: string, module: Module, bundle: Bundle, dir: string): string {
  const map = bundle.modules.find(
    (candidate) => candidate.type === "sourcemap" && candidate.name === `${module.name}.map`,
  );
  if (!map) return code;
  const parsed = JSON.parse(Buffer.from(map.contents).toString("utf8"));
  const base64 = Buffer.from(JSON.stringify({ ...parsed, sourceRoot: `file://${dir}/` })).toString("base64");
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${base64}`;
}
