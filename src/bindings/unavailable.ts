/**
 * A binding that is there and always fails, saying why: for what cannot run locally, and for classes that nobody exports.
 * A Worker that merely has such a binding starts and runs; using it rejects with the message.
 */
import type { LocalContext, WorkerOptions } from "./kind.ts";

const WORKER = "troupe:unavailable";

/** Names that the runtime itself looks up on an instance, as JavaScript: they are never RPC methods. */
const OWN_NAMES =
  'new Set(["constructor", "then", "alarm", "connect", "email", "queue", "scheduled", "tail", "tailStream", "test", "trace"])';

/**
 * The code of an entrypoint whose every use fails with a message. RPC looks methods up on the instance, so an instance that
 * is a Proxy answers for every name. Calls are pipelined: on `env.COUNTERS.get(env.COUNTERS.idFromName("a")).fetch(…)` the
 * last promise rejects with the first one's error.
 * @param use what looking up a method does, as JavaScript: with `ctx` and `env` of the constructor
 * @param fetch what answers a fetch instead, as JavaScript: a function of its own
 */
export function rejectingEntrypoint(use: string, fetch?: string): string {
  return `
import { WorkerEntrypoint } from "cloudflare:workers";
const HANDLERS = ${OWN_NAMES};
export default class extends WorkerEntrypoint {
  constructor(ctx, env) {
    super(ctx, env);
    return new Proxy(this, {
      get(target, key) {
        ${fetch === undefined ? "" : `if (key === "fetch") return ${fetch};`}
        if (typeof key === "symbol" || HANDLERS.has(key)) return Reflect.get(target, key);
        ${use}
      },
    });
  }
}
`;
}

const worker: WorkerOptions = {
  config: {
    name: WORKER,
    compatibilityDate: "2026-01-01",
    manifest: {
      mainModule: "index.js",
      modules: { "index.js": { type: "esm", contents: rejectingEntrypoint("throw new Error(ctx.props.message);") } },
    },
  },
};

/** Binds `name` to something whose every use rejects with an Error of this message. */
export function bindUnavailable(context: LocalContext, name: string, message: string): void {
  context.addWorker(worker);
  context.bind(name, { type: "worker", worker: WORKER, props: { message } });
}

/**
 * Binds `name` to a Durable Object namespace without a class: ids and stubs are made as usual, calls reject with the
 * message. (Callers pass ids to `get` before they call, which a promise of an id could not stand in for.)
 */
export function bindUnavailableObjects(context: LocalContext, name: string, message: string): void {
  const id = `${WORKER}:${context.worker}:${name}`;
  const contents = `
import { DurableObject } from "cloudflare:workers";
export default {};
export class Missing extends DurableObject {
  constructor(state, env) {
    super(state, env);
    throw new Error(env.MESSAGE);
  }
}
`;
  context.addWorker({
    config: {
      name: id,
      compatibilityDate: "2026-01-01",
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents } } },
      env: { MESSAGE: { type: "text", value: message } },
      exports: { Missing: { type: "durable-object", storage: "sqlite" } },
    },
    dev: { unsafeEphemeralDurableObjects: true },
  });
  context.bind(name, { type: "durable-object", worker: id, exportName: "Missing" });
}
