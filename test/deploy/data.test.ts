/** What the embedded store cannot do with data yet, it says instead of doing something else. */
import { expect, test } from "vitest";
import { troupe, troupeJson } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

test("copying data, and keeping it without its environment, are refused and change nothing", async () => {
  const cwd = testFolder({
    "troupe.toml":
      'name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[kv_namespaces]]\nbinding = "KV"\n',
    "index.js": 'export default { fetch: () => new Response("ok") };\n',
  });
  await troupeJson(["deploy"], { cwd });
  await troupeJson(["env", "clone", "production", "one"], { cwd });
  const list = () => troupeJson(["env", "list"], { cwd });
  const before = await list();

  const copy = await troupe(["env", "clone", "production", "two", "--data", "copy"], { cwd });
  expect(copy).toMatchObject({ code: 6, stderr: expect.stringContaining("cannot be copied yet") });
  const keep = await troupe(["env", "delete", "one", "--keep-data", "--yes"], { cwd });
  expect(keep).toMatchObject({ code: 6, stderr: expect.stringContaining("cannot be kept") });
  expect(await list()).toEqual(before);
});
