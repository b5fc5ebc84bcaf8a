/** Line and column of what is written: the place is right when it is the text that one would point at. */
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { locate } from "../../src/config/index.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-position-"));
});

afterAll(() => rm(dir, { recursive: true }));

const TOML = `# a comment
name = "shop"
vars.A.b = 1
"quoted key" = [1, [2, 3], { x = "y" }]

[env.staging]
minify = true

  [env.staging.vars] # indented
  GREETING = """
  two lines"""

[[kv_namespaces]]
binding = "ONE"

[[kv_namespaces]]
binding = 'TWO'
nested = { a = { b = 2 } }

[[env.preview.durable_objects.bindings]]
name = "ROOMS"
`;

const JSON_TEXT = `// a comment
{
  "name": "shop", /* another */
  "vars": { "A": { "b": 1 } },
  "kv_namespaces": [
    { "binding": "ONE" },
    { "binding": "TWO", "ids": ["x", "y"], },
  ],
}
`;

/** The text that a place covers, or up to its line's end. */
async function textAt(name: string, keys: (string | number)[], part?: "key" | "value"): Promise<string> {
  const file = path.join(dir, name);
  const { line, column, length } = await locate({ file, path: keys, environment: "production" }, part);
  const text = (await readFile(file, "utf8")).split(/\r?\n/)[line - 1]!.slice(column - 1);
  return length === undefined ? text : text.slice(0, length);
}

describe.each<[string, string, [(string | number)[], string, string][]]>([
  [
    "troupe.toml",
    TOML,
    [
      [["name"], "name", '"shop"'],
      [["vars", "A", "b"], "vars.A.b", "1"],
      [["vars", "A"], "vars.A.b", "vars.A.b"],
      [["quoted key"], '"quoted key"', '"quoted key"'],
      [["quoted key", 1, 0], "2", "2"],
      [["quoted key", 2, "x"], "x", '"y"'],
      [["env"], "env.staging", "env.staging"],
      [["env", "staging", "minify"], "minify", "true"],
      [["env", "staging", "vars"], "env.staging.vars", "env.staging.vars"],
      [["env", "staging", "vars", "GREETING"], "GREETING", '"""'],
      [["kv_namespaces", 0], "kv_namespaces", "kv_namespaces"],
      [["kv_namespaces", 1, "binding"], "binding", "'TWO'"],
      [["kv_namespaces", 1, "nested", "a", "b"], "b", "2"],
      [["env", "preview", "durable_objects", "bindings", 0, "name"], "name", '"ROOMS"'],
    ],
  ],
  [
    "wrangler.jsonc",
    JSON_TEXT,
    [
      [["name"], '"name"', '"shop"'],
      [["vars", "A"], '"A"', '"A"'],
      [["vars", "A", "b"], '"b"', "1"],
      [["kv_namespaces", 1, "binding"], '"binding"', '"TWO"'],
      [["kv_namespaces", 1, "ids", 1], '"y"', '"y"'],
    ],
  ],
])("in %s", (name, text, places) => {
  beforeAll(() => writeFile(path.join(dir, name), text));

  it.each(places)("%j", async (keys, key, value) => {
    expect(await textAt(name, keys, "key")).toBe(key);
    expect(await textAt(name, keys)).toBe(value);
  });

  it("what is not there gives what is nearest above it", async () => {
    expect(await textAt(name, ["kv_namespaces", 1, "binding", "deeper"])).toBe(
      await textAt(name, ["kv_namespaces", 1, "binding"], "key"),
    );
    expect(await locate({ file: path.join(dir, name), path: ["nothing"], environment: "production" })).toMatchObject({
      line: 1,
      column: 1,
    });
  });

  it.each([
    ["\r\n", "lines that end in CR LF"],
    ["\uFEFF", "a byte order mark"],
  ])("also with %j", async (what) => {
    const other = `other-${name}`;
    await writeFile(path.join(dir, other), what === "\r\n" ? text.replaceAll("\n", what) : what + text);
    const [keys, key, value] = places.at(-1)!;
    expect(await textAt(other, keys, "key")).toBe(key);
    expect(await textAt(other, keys)).toBe(value);
  });
});

describe("a file", () => {
  it("is read anew once it has changed", async () => {
    const file = path.join(dir, "changing.toml");
    const written = { file, path: ["b"], environment: "production" };
    await writeFile(file, "a = 1\nb = 2\n");
    expect((await locate(written)).line).toBe(2);
    await writeFile(file, "b = 1\na = 2\n");
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    expect((await locate(written)).line).toBe(1);
  });

  it("that is gone or broken gives its first line", async () => {
    const gone = path.join(dir, "gone.toml");
    expect(await locate({ file: gone, path: ["a"], environment: "production" })).toEqual({
      file: gone,
      line: 1,
      column: 1,
    });
    const broken = path.join(dir, "broken.toml");
    await writeFile(broken, "a = = 1\n");
    expect(await locate({ file: broken, path: ["a"], environment: "production" })).toEqual({
      file: broken,
      line: 1,
      column: 1,
    });
  });
});
