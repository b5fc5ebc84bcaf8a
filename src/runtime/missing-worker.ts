/** What answers for a service, entrypoint or class that is not there: 503 to fetch, a rejection to RPC, both saying why. */
import type { WorkerOptions } from "../bindings/kind.ts";
import { rejectingEntrypoint } from "../bindings/unavailable.ts";

const SOURCE = rejectingEntrypoint(
  // At the call: the runtime looks more up than what is called before it fetches.
  "return () => { throw new Error(env.MESSAGE); };",
  `() => new Response(env.MESSAGE + "\\n", { status: 503, headers: { "content-type": "text/plain; charset=utf-8" } })`,
);

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
