/** What answers for a service, entrypoint or class that is not there: 503 to fetch, a rejection to RPC, both saying why. */
import type { WorkerOptions } from "../bindings/kind.ts";
import { OWN_NAMES } from "../bindings/unavailable.ts";

/** Instances are Proxies, so that every RPC name is there; the runtime's own handler names are not answered for. */
const SOURCE = `
import { WorkerEntrypoint } from "cloudflare:workers";
const HANDLERS = ${OWN_NAMES};
export default class extends WorkerEntrypoint {
  constructor(ctx, env) {
    super(ctx, env);
    return new Proxy(this, {
      get(target, key) {
        if (key === "fetch") return () => new Response(env.MESSAGE + "\\n", { status: 503, headers: { "content-type": "text/plain; charset=utf-8" } });
        if (typeof key === "symbol" || HANDLERS.has(key)) return Reflect.get(target, key);
        return () => { throw new Error(env.MESSAGE); };
      },
    });
  }
}
`;

/** The worker that answers in place of a missing one. @param message what it says */
export function missingWorker(id: string, message: string): WorkerOptions {
  return {
    config: {
      name: id,
      compatibilityDate: "2026-01-01",
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: SOURCE } } },
      env: { MESSAGE: { type: "text", value: message } },
    },
  };
}
