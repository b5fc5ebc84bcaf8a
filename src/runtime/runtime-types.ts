/**
 * TypeScript types of the runtime itself, as they are for one compatibility date and set of flags. The npm package
 * `workerd` brings a Worker that writes them: it asks the runtime about its own API.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Client } from "undici";
import { TroupeError } from "../errors.ts";
import { connectLocal } from "../lib/unix-origin.ts";
import { type Bundle, type Environment, NO_BUILD } from "../model.ts";
import { createGraphRuntime } from "./graph-runtime.ts";
import { newestCompatibilityDate } from "./miniflare.ts";
import type { GraphRuntime } from "./types.ts";

export interface RuntimeTypesOptions {
  compatibilityDate: string;
  compatibilityFlags: readonly string[];
  /** True when this date alone turns Node.js compatibility on. */
  nodeByDefault: boolean;
}

/** The version of the runtime that is installed. */
export function workerdVersion(): string {
  return (fromMiniflare()("workerd") as { version: string }).version;
}

/** The date whose behaviour a Worker really gets: the runtime knows none that is newer than itself. */
export function effectiveDate(compatibilityDate: string): string {
  const newest = newestCompatibilityDate();
  return compatibilityDate > newest ? newest : compatibilityDate;
}

/**
 * @returns the text of a declaration file
 * @throws TroupeError START when the runtime does not start; CONFIG when it does not know one of the flags
 */
export async function generateRuntimeTypes(options: RuntimeTypesOptions): Promise<string> {
  const date = effectiveDate(options.compatibilityDate);
  // Node's own API is typed by @types/node, and the generating Worker cannot write it.
  const flags = options.compatibilityFlags.filter((flag) => !flag.includes("nodejs_compat"));
  if (options.nodeByDefault) flags.push("no_nodejs_compat", "no_nodejs_compat_v2");

  const runtime = createGraphRuntime();
  const id = "types@production";
  const bundle = await generator();
  const resolve = () => {
    throw new TroupeError("INTERNAL", "the generator of runtime types has no bindings");
  };
  try {
    await runtime.swap({
      workers: [{ id, environment: GENERATOR, bundle, secrets: {}, reachable: true, resolve }],
    });
    const { status, text } = await ask(runtime, id, `/${[date, ...flags].join("+")}`);
    if (status === 200) return text;
    throw new TroupeError("CONFIG", `The runtime cannot tell its types: ${text.split("\n")[0]}`, {
      notes: [`compatibility date ${date}, flags: ${flags.join(", ") || "none"}`],
    });
  } finally {
    await runtime.close();
  }
}

async function ask(runtime: GraphRuntime, worker: string, path: string): Promise<{ status: number; text: string }> {
  const lease = await runtime.acquire(worker);
  const client = new Client(lease.origin, { connect: connectLocal });
  try {
    // A direct socket hands the target on as it is: it has to be absolute to make a URL.
    const response = await client.request({ method: "GET", path: `http://types.invalid${path}` });
    return { status: response.statusCode, text: await response.body.text() };
  } finally {
    await client.close();
    lease.release();
  }
}

/** Its date is its own and shows nowhere: the Worker needs the first form of Node.js compatibility. */
const GENERATOR: Environment = {
  service: "types",
  name: "production",
  scriptName: "types",
  dialect: "troupe",
  configPath: "",
  dir: "",
  compatibilityDate: "2024-01-01",
  compatibilityFlags: ["nodejs_compat", "rtti_api"],
  bindings: [],
  crons: [],
  routes: [],
  protected: false,
  migrations: [],
  build: NO_BUILD,
  settings: {},
  written: {},
};

async function generator(): Promise<Bundle> {
  const contents = await readFile(fromMiniflare().resolve("workerd/worker.mjs"));
  return {
    format: "modules",
    mainModule: "worker.mjs",
    modules: [{ name: "worker.mjs", type: "esm", contents }],
    exports: ["default"],
    contentHash: "",
    size: contents.byteLength,
  };
}

function fromMiniflare(): NodeJS.Require {
  return createRequire(createRequire(import.meta.url).resolve("miniflare"));
}
