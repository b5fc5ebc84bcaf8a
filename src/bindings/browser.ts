/** A headless browser; locally a Chrome that the simulator downloads at the first use. */
import * as z from "zod";
import type { BindingKind, LocalContext } from "./kind.ts";
import { bindingName, remote } from "./schema.ts";

const entry = z.strictObject({ binding: bindingName, remote });

/** Hands on to the simulator, and says in one sentence what it says in a stack trace when there is no Chrome to start. */
const CODE = `
import { WorkerEntrypoint } from "cloudflare:workers";

function reasonOf(text) {
  const lines = text.split("\\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("at ")).slice(0, 3).join(" ");
}

export default class extends WorkerEntrypoint {
  #missing(text) {
    return new Error(this.ctx.props.message + " (" + reasonOf(text) + ")");
  }

  async fetch(request) {
    try {
      return await this.env.BROWSER.fetch(request);
    } catch (error) {
      const [first, ...rest] = String(error.message).split("\\n");
      throw first.startsWith("Failed to launch local browser") ? this.#missing(rest.join("\\n")) : error;
    }
  }

  // Its answer is what the API would answer, with the error in it.
  async quickAction(action, options) {
    const response = await this.env.BROWSER.quickAction(action, options);
    if (response.ok) return response;
    const text = await response.text();
    const found = /"message":"((?:All providers failed|Failed to launch)(?:[^"\\\\]|\\\\.)*)"/.exec(text);
    if (!found) return new Response(text, response);
    const { message } = this.#missing(JSON.parse('"' + found[1] + '"'));
    const error = { message, code: 2000 };
    return Response.json({ success: false, errors: [error] }, { status: response.status });
  }
}
`;

function bindBrowser(name: string, context: LocalContext): void {
  const { service, name: environment } = context.environment;
  const id = "troupe:browser";
  context.addWorker({
    config: {
      name: id,
      compatibilityDate: "2026-01-01",
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: CODE } } },
      env: { BROWSER: { type: "browser" } },
    },
  });
  const message = `env.${name} of ${service}@${environment}: no Chrome could be started here. It is downloaded when it is first used; deploy to use Cloudflare's.`;
  context.bind(name, { type: "worker", worker: id, props: { message } });
}

export const browser: BindingKind = {
  id: "browser",
  title: "Browser",
  keys: [{ path: ["browser"], form: "single", nameField: "binding", entry, description: "A headless browser." }],
  state: "none",
  notLocal: "Needs a Chrome, which is downloaded when it is first used.",
  local: (binding, context) => bindBrowser(binding.name, context),
  upload: (binding) => ({ name: binding.name, type: "browser" }),
  type: () => "BrowserRun",
  describe: () => "Browser",
};
