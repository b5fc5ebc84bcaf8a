import { createHash } from "node:crypto";
import type { Bundle } from "../model.ts";

const SOURCE = `export default { fetch: () => new Response("Not Found", { status: 404 }) };\n`;

/** What runs for a service that has static assets and no code of its own: everything that is no asset is a 404. */
export function assetsOnlyBundle(): Bundle {
  const contents = new TextEncoder().encode(SOURCE);
  return {
    format: "modules",
    mainModule: "index.js",
    modules: [{ name: "index.js", type: "esm", contents }],
    exports: ["default"],
    contentHash: createHash("sha256").update(contents).digest("hex"),
    size: contents.byteLength,
  };
}
