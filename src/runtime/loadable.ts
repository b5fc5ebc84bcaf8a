/** What of a graph can be loaded into a process that runs, and what needs another process: docs/runtime.md. */
import { createHash } from "node:crypto";
import type { WorkerOptions } from "../bindings/kind.ts";
import type { Bundle } from "../model.ts";
import type { Assembled } from "./assemble.ts";
import { HIDDEN, SHELL_SINCE } from "./loader-shell.ts";
import { TAIL_WORKER } from "./tail.ts";
import type { GraphSpec, RuntimeWorker } from "./types.ts";

/** Bindings that the runtime passes on to loaded code as they are (KV, R2, queues and others cannot be passed). */
const PASSED = new Set(["text", "json", "worker", "d1", "network"]);

/** All that a worker may have that is loaded; whatever is not known here takes the normal path. */
const KNOWN = {
  config: new Set([
    ...["name", "compatibilityDate", "compatibilityFlags", "env", "exports", "triggers", "tailConsumers", "manifest"],
  ]),
  dev: new Set(["unsafeDirectSockets", "stripCfConnectingIp", "cacheAPI"]),
};

/**
 * What loaded code does not have, as far as text can tell: the Cache API; and `ctx.exports`, which is there, but cannot be
 * passed on. The word alone is not enough: comments say "caches", CommonJS modules have `exports` of their own, and
 * esbuild has its way with them.
 */
const NOT_THERE = [
  /\bcaches\s*(?:\?\.|\.\s*(?:default|open|match|delete|has|keys)\b|\[)/,
  /(?:[=(,:!&|?]|=>|\breturn|\btypeof)\s*caches\s*[;,)&|?!=]/,
  /\b(?:globalThis|self)\s*\??\.\s*caches\b|\["caches"\]/,
  /\{[^{}()]*\bcaches\s*(?:[,}]|:)[^{}]*\}?\s*=/,
  /(?<!\bmod|\bmodule\d*|\{ exports: \{\} \}\))\.exports\b/,
  /\{[^{}()]*\bexports\s*(?:[,}]|as\b|:(?! \{\}))/,
  /[\w)\]]\["exports"\]/,
];

/** Whether the code of a worker behaves the same when it is loaded. A debugger shows static workers only. */
export function isLoadable(worker: RuntimeWorker, spec: GraphSpec, { workers }: Assembled): boolean {
  if (spec.inspectorPort !== undefined) return false;
  const own = workers.find(({ config }) => config.name === worker.id);
  const { bundle } = worker;
  if (!own?.config.manifest || own.legacy !== undefined || bundle.format !== "modules") return false;
  const { config, dev = {} } = own;
  if (config.compatibilityDate < SHELL_SINCE || config.compatibilityFlags?.includes("no_rpc")) return false;
  if (!Object.keys(config).every((key) => KNOWN.config.has(key))) return false;
  if (!Object.keys(dev).every((key) => KNOWN.dev.has(key))) return false;
  if (Object.keys(config.exports ?? {}).length > 0) return false;
  if (config.triggers?.some((trigger) => trigger.type === "queue")) return false;
  if (config.tailConsumers?.some((tail) => tail.worker !== TAIL_WORKER)) return false;
  if (workers.some((other) => isTailOf(other, worker.id))) return false;
  const bindings = Object.entries(config.env ?? {});
  if (!bindings.every(([name, { type }]) => PASSED.has(type) && !name.startsWith(HIDDEN))) return false;
  return bundle.modules.every(
    (module) =>
      !module.type.startsWith("python") &&
      ((module.type !== "esm" && module.type !== "cjs") || !usesMissing(Buffer.from(module.contents).toString())),
  );
}

/** Whether code uses what it would not find when it is loaded. */
export function usesMissing(code: string): boolean {
  return NOT_THERE.some((pattern) => pattern.test(code));
}

function isTailOf({ config }: WorkerOptions, id: string): boolean {
  const streaming = config.experimental?.streamingTailConsumers ?? [];
  return [...(config.tailConsumers ?? []), ...streaming].some((tail) => tail.worker === id);
}

/**
 * Everything of a graph but its code, to be compared: what is equal here can be loaded.
 * Exports count, since the shell has the same.
 */
export function graphShape(spec: GraphSpec, workers: readonly WorkerOptions[]): string {
  const codes = new Set(spec.workers.filter(({ bundle }) => bundle.format === "modules").map(({ id }) => id));
  const shape = [
    workers.map(({ config, ...rest }) => [codes.has(config.name) ? { ...config, manifest: undefined } : config, rest]),
    spec.workers.map(({ id, bundle }) => [id, bundle.format, bundle.exports]),
    spec.persistTo,
    spec.inspectorPort,
  ];
  // Bytes would be written number by number.
  return JSON.stringify(shape, (_key, value) =>
    ArrayBuffer.isView(value)
      ? createHash("sha256")
          .update(value as Uint8Array)
          .digest("hex")
      : value,
  );
}

/** Ids of the workers whose code is another one, maps included. */
export function changedCode(before: GraphSpec, after: GraphSpec): string[] {
  const old = new Map(before.workers.map(({ id, bundle }) => [id, bundle]));
  return after.workers.filter(({ id, bundle }) => !sameCode(old.get(id), bundle)).map(({ id }) => id);
}

function sameCode(a: Bundle | undefined, b: Bundle): boolean {
  if (a === b) return true;
  return (
    a !== undefined &&
    a.mainModule === b.mainModule &&
    a.modules.length === b.modules.length &&
    a.modules.every((module, index) => {
      const other = b.modules[index]!;
      return (
        module.name === other.name &&
        module.type === other.type &&
        Buffer.compare(module.contents, other.contents) === 0
      );
    })
  );
}
