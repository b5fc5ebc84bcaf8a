/** What a start costs is what it loads. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Metafile, transform } from "esbuild";
import { expect, test } from "vitest";
import { BIN, ROOT, startTroupe, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

/** Writes the URL of everything that Node loads into the file named by TRACE. */
const TRACER = `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { appendFileSync(process.env.TRACE, url + "\\n"); return next(url, context); } });
`;

/** The sources (relative to the repository) that a command line loads, seen through the bundle. */
async function sourcesLoaded(args: string[]): Promise<string[]> {
  const dir = testFolder({ "trace.mjs": TRACER, "loaded.txt": "" });
  const file = path.join(dir, "loaded.txt");
  const { code } = await troupe(args, { nodeArgs: ["--import", path.join(dir, "trace.mjs")], env: { TRACE: file } });
  expect(code).toBe(0);
  const { outputs } = JSON.parse(readFileSync(path.join(ROOT, "dist/metafile.json"), "utf8")) as Metafile;
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((url) => url.startsWith("file:"))
    .flatMap((url) => {
      const loaded = path.relative(ROOT, fileURLToPath(url));
      return [loaded, ...Object.keys(outputs[loaded]?.inputs ?? {})];
    });
}

test("--version loads next to nothing", async () => {
  const sources = (await sourcesLoaded(["--version"])).filter((file) => !file.startsWith("dist/"));
  expect(sources.sort()).toEqual(["src/bin.ts", "src/package.ts"]);
});

test("--help loads no command and nothing heavy", async () => {
  const sources = await sourcesLoaded(["--help"]);
  expect(sources).toContain("src/main.ts");
  expect(sources.filter((file) => /node_modules\/(miniflare|esbuild|zod|wrangler|undici|yargs)\//.test(file))).toEqual(
    [],
  );
  expect(sources.filter((file) => /^src\/(ops|config|bundle|runtime|store|host|targets)\//.test(file))).toEqual([]);
});

test("a command runs as one file, and leaves a cache that the next finds, once it has run well", async () => {
  const dir = testFolder({
    "trace.mjs": TRACER,
    "loaded.txt": "",
    "troupe.toml": `name = "hello"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n`,
    "index.ts": `export default { fetch: () => new Response("hello") };`,
  });
  const caches = path.join(dir, "cache");
  const run = (...args: string[]) =>
    troupe([...args, "--cwd", dir], {
      nodeArgs: ["--import", path.join(dir, "trace.mjs")],
      env: { TRACE: path.join(dir, "loaded.txt"), NODE_COMPILE_CACHE: caches },
    });
  expect(await run("bindings", "--service", "nobody")).toMatchObject({ code: 5 });
  expect(warmCaches(caches)).toEqual([]);
  const first = await run("bindings");
  expect(first).toMatchObject({ code: 0, stderr: "" });
  const written = warmCaches(caches);
  expect(written).toEqual([[expect.stringContaining("troupe-bindings-"), expect.any(Number)]]);
  expect(await run("bindings")).toEqual(first);
  expect(warmCaches(caches)).toEqual(written);
  expect(readFileSync(path.join(dir, "loaded.txt"), "utf8")).not.toMatch(/\/chunks\/(main|bindings)-/);
});

test("serve leaves its cache, though it is a signal that ends it", async () => {
  const dir = testFolder({ "troupe.toml": '[workspace]\nmembers = ["*"]\n' });
  const caches = path.join(dir, "cache");
  const serve = startTroupe(["serve", "--port", "0", "--json", "--cwd", dir], { env: { NODE_COMPILE_CACHE: caches } });
  try {
    await serve.event((event) => event.reason === "ready");
  } finally {
    await serve.stop();
  }
  expect(warmCaches(caches)).toEqual([[expect.stringContaining("troupe-serve-"), expect.any(Number)]]);
});

test("dev runs itself and Miniflare as one file each, and leaves caches of them that the next start finds", async () => {
  const dir = testFolder({
    "trace.mjs": TRACER,
    "loaded.txt": "",
    "troupe.toml": `name = "hello"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[[queues.producers]]\nbinding = "JOBS"\nqueue = "jobs"\n`,
    "index.ts": `export default { fetch: () => new Response("hello") };`,
  });
  const caches = path.join(dir, "cache");
  const file = path.join(dir, "loaded.txt");
  const start = async (): Promise<void> => {
    const dev = startTroupe(["dev", "--port", "0", "--json", "--cwd", dir], {
      nodeArgs: ["--import", path.join(dir, "trace.mjs")],
      env: { TRACE: file, NODE_COMPILE_CACHE: caches },
    });
    try {
      await dev.event((event) => event.reason === "ready");
    } finally {
      await dev.stop();
    }
    // Miniflare imports the plugin for queues, which is where Node would warn.
    expect((await dev.finished).stderr).toBe("");
  };
  await start();
  const written = warmCaches(caches);
  expect(written).toHaveLength(2);
  await start();
  expect(warmCaches(caches)).toEqual(written);
  const loaded = readFileSync(file, "utf8");
  expect(loaded).toContain("/esbuild/");
  expect(loaded).not.toMatch(/node_modules\/(miniflare|undici|ws)\/|\/chunks\/(main|dev)-/);
});

test("Node 22 need not say that its SQLite is experimental; its other warnings are shown", async () => {
  const warn = (what: string) =>
    `process.emitWarning("${what} is an experimental feature and might change at any time", "ExperimentalWarning");`;
  const dir = testFolder({
    // When the command is under way: it has just begun to listen for signals.
    "warn.mjs": `process.on("newListener", (name) => {
      if (name !== "SIGTERM") return;
      ${warn("SQLite")}
      ${warn("Something else")}
    });`,
  });
  const { code, stderr } = await troupe(["completion", "bash"], { nodeArgs: ["--import", path.join(dir, "warn.mjs")] });
  expect(code).toBe(0);
  expect(stderr).toContain("Something else is an experimental feature");
  expect(stderr).not.toContain("SQLite");
});

test("the entry file can be read by the oldest Node that may meet it, and says what is needed", async () => {
  for (const file of ["dist/bin.js", ...staticImports("dist/bin.js")]) {
    const code = readFileSync(path.join(ROOT, file), "utf8");
    const [plain, lowered] = await Promise.all(
      ["esnext", "node18"].map((target) => transform(code, { target, format: "esm" })),
    );
    expect(lowered!.code).toBe(plain!.code);
  }
  const dir = testFolder({
    "old.mjs": `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.0" } });`,
  });
  const { code, stdout, stderr } = await troupe(["--help"], { nodeArgs: ["--import", path.join(dir, "old.mjs")] });
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: "",
    stderr: "troupe needs Node 22.13 or newer; this is 20.11.0\n",
  });
});

/** Names of the caches there, and when they were written. */
function warmCaches(folder: string): [string, number][] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".warm"))
    .map((name) => [name, statSync(path.join(folder, name)).mtimeMs]);
}

function staticImports(file: string): string[] {
  const { outputs } = JSON.parse(readFileSync(path.join(path.dirname(BIN), "metafile.json"), "utf8")) as Metafile;
  return outputs[file]!.imports.filter(({ kind, external }) => kind === "import-statement" && !external).flatMap(
    ({ path: imported }) => [imported, ...staticImports(imported)],
  );
}
