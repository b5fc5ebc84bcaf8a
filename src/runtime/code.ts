/** A bundle as Miniflare takes it, with the prelude added that tells whose log line is whose, and what was not caught. */
import type { WorkerOptions } from "../bindings/kind.ts";
import type { Bundle, Module } from "../model.ts";
import { BACKGROUND } from "./background.ts";
import { type Lack, lackingModule } from "./lacking.ts";
import { consolePrelude, PRELUDE, preludeModule } from "./prelude.ts";
import { WRAP } from "./uncaught.ts";

type Manifest = NonNullable<WorkerOptions["config"]["manifest"]>;

const ENTRY = "__troupe_entry.js";

export interface CodeOptions {
  /** Adds what marks the log lines of this worker and, as far as `tellsUncaught`, tells its exceptions. */
  prelude: boolean;
  /** Adds the entrypoint that tells how much goes on behind answers, where `tellsUncaught`. */
  background: boolean;
  /** What its Durable Objects have on the network and not here. */
  lacks?: readonly Lack[];
  /** Puts source maps into the code, for debuggers. `dir`: what their `sources` are relative to. */
  inlineMaps?: { dir: string };
}

/**
 * Whether the prelude can tell what this code does not catch. It can't get at script-syntax handlers, nor at `waitUntil`
 * when that is imported.
 */
export function tellsUncaught(bundle: Bundle): boolean {
  if (bundle.format === "service-worker" || mainOf(bundle).type !== "esm") return false;
  return !bundle.modules.some(
    ({ type, contents }) => type === "esm" && importsWaitUntil(Buffer.from(contents).toString("utf8")),
  );
}

const WAIT_UNTIL = /import\s*(?:\{[^}]*\bwaitUntil\b[^}]*\}|\*\s*as\s+\S+)\s*from\s*["']cloudflare:workers["']/;

function importsWaitUntil(code: string): boolean {
  return code.includes("waitUntil") && WAIT_UNTIL.test(code);
}

function mainOf(bundle: Bundle): Module {
  return bundle.modules.find((module) => module.name === bundle.mainModule)!;
}

type Exporting = Pick<Bundle, "mainModule" | "exports">;

/** @returns the part of Miniflare's worker options that holds the code */
export function codeOptions(
  id: string,
  bundle: Bundle,
  options: CodeOptions,
): Pick<WorkerOptions, "legacy"> & { manifest?: Manifest; env?: WorkerOptions["config"]["env"] } {
  const main = mainOf(bundle);
  const text = (module: Module) => Buffer.from(module.contents).toString("utf8");
  const source = (module: Module) =>
    options.inlineMaps ? withInlineMap(text(module), module, bundle, options.inlineMaps.dir) : text(module);
  if (bundle.format === "service-worker") {
    // In one line before the script, so that line numbers stay what they are but for the first.
    const before = options.prelude ? consolePrelude(id).replaceAll("\n", " ") : "";
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
  if (main.type !== "esm") return { manifest: { mainModule: bundle.mainModule, modules } };
  const lacking = lackingModule(bundle, options.lacks ?? []);
  const mainModule = lacking?.name ?? bundle.mainModule;
  const first = lacking ? { [lacking.name]: { type: "esm" as const, contents: text(lacking) } } : {};
  if (!options.prelude) return { manifest: { mainModule, modules: { ...first, ...modules } } };
  const whole = { mainModule, exports: bundle.exports };
  // The main module comes first for Miniflare; evaluation order is that of the imports.
  return {
    manifest: {
      mainModule: ENTRY,
      modules: {
        [ENTRY]: {
          type: "esm",
          contents: tellsUncaught(bundle) ? wrappingEntry(whole, options.background) : plainEntry(whole),
        },
        [PRELUDE]: { type: "esm", contents: tellsUncaught(bundle) ? preludeModule(id) : consolePrelude(id) },
        ...first,
        ...modules,
      },
    },
  };
}

function plainEntry({ mainModule, exports }: Exporting): string {
  const from = JSON.stringify(`./${mainModule}`);
  const lines = [`import "./${PRELUDE}";`, `export * from ${from};`];
  if (exports.includes("default")) lines.push(`export { default } from ${from};`);
  return lines.join("\n");
}

function wrappingEntry({ mainModule, exports }: Exporting, background: boolean): string {
  const from = JSON.stringify(`./${mainModule}`);
  const lines = [`import { ${WRAP} } from "./${PRELUDE}";`, `import * as own from ${from};`, `export * from ${from};`];
  for (const [index, name] of exports.map((each) => JSON.stringify(each)).entries()) {
    lines.push(`const export${index} = ${WRAP}(own[${name}], ${name === '"default"'});`);
    lines.push(`export { export${index} as ${name} };`);
  }
  if (background) lines.push(`export { ${BACKGROUND} } from "./${PRELUDE}";`);
  return lines.join("\n");
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
