/** What `--json` prints holds the fields that docs/cli.md promises, and no others at its top. */
import { expect, it } from "vitest";
import { testFolder } from "../support/files.ts";
import { troupeJsonHere } from "../support/here.ts";

const FILES = {
  "troupe.toml": `name = "app"
main = "main.ts"
compatibility_date = "2026-11-01"
[vars]
A = "1"
[[kv_namespaces]]
binding = "KV"
[[r2_buckets]]
binding = "FILES"
[[d1_databases]]
binding = "DB"
`,
  "main.ts": `export default { fetch: () => new Response("ok") };\n`,
  "migrations/0001_first.sql": "create table a (b);\n",
};
const PLACE = ["binding", "environment", "resource", "service"];
const EDIT = ["action", "entry", "environment", "kind", "location", "name", "notes", "service"];

it.each<[command: string, fields: string[]]>([
  ["init new --no-git", ["dir", "files", "git", "installed", "name", "packageManager", "template"]],
  ["build", ["services"]],
  ["types", ["files"]],
  ["bindings", ["services"]],
  ["bindings graph", ["boundBy", "cycles", "edges", "nodes"]],
  ["bindings add var B 2", EDIT],
  ["bindings remove A", EDIT.filter((field) => field !== "entry")],
  ["bindings check", ["checked", "diagnostics"]],
  ["config", ["root", "services"]],
  ["config explain A", ["explanations", "root"]],
  ["kv put KV a 1", [...PLACE, "key", "size"]],
  ["kv list KV", [...PLACE, "keys"]],
  ["kv delete KV a", [...PLACE, "deleted"]],
  ["r2 put FILES a 1", [...PLACE, "customMetadata", "etag", "httpMetadata", "key", "size", "uploaded"]],
  ["r2 list FILES", [...PLACE, "objects"]],
  ["d1 execute DB --command select", [...PLACE, "results"]],
  ["d1 migrations list DB", ["applied", "folder", "pending", "place"]],
  ["d1 migrations apply DB", ["applied", "folder", "now", "pending", "place"]],
  ["d1 migrations create DB more", ["file", "place"]],
])("%s", async (command, fields) => {
  const words = command.split(" ").map((word) => (word === "select" ? "select 1" : word));
  const result = await troupeJsonHere<object>(words, { cwd: testFolder(FILES) });
  expect(Object.keys(result).sort()).toEqual([...fields].sort());
});
