import type { Bundle } from "../model.ts";
import { assembleBundle } from "./hash.ts";

const SOURCE = `export default { fetch: () => new Response("Not Found", { status: 404 }) };\n`;

/** What runs for a service that has static assets and no code of its own: everything that is no asset is a 404. */
export function assetsOnlyBundle(): Bundle {
  return assembleBundle({
    format: "modules",
    mainModule: "index.js",
    modules: [{ name: "index.js", type: "esm", contents: new TextEncoder().encode(SOURCE) }],
    exports: ["default"],
  });
}
