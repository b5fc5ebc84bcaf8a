/** Holds the map of docs/ARCHITECTURE.md: imports point one way, and a few things are done in one place only. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { build, transform } from "esbuild";
import { expect, test } from "vitest";
import { ROOT } from "./support/cli.ts";

/** From the top to the bottom: a part may import from the lines below its own. Parts of one line leave each other alone. */
const LINES = [
  ["bin"],
  ["main", "index"],
  ["commands"],
  ["cli", "output"],
  ["ops"],
  ["targets"],
  ["config", "bundle", "graph", "runtime", "store", "host"],
  ["bindings"],
  ["model"],
  ["context"],
  ["errors", "lib", "package"],
];

/** What the order allows and the parts must not do all the same. */
const FORBIDDEN: [from: RegExp, to: RegExp, why: string][] = [
  [
    /^(commands|cli|output|main|bin)$/,
    /^(config|bundle|graph|runtime|store|targets|host|bindings)$/,
    "goes through ops/",
  ],
  [/^(?!(commands|main)$)/, /^output$/, "only commands and main speak to people"],
  [/^lib$/, /./, "lib/ knows nothing of troupe"],
];

const SOURCES = readdirSync(path.join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => path.posix.join("src", file.replaceAll(path.sep, "/")));

/** "src/ops/dev/index.ts" → "ops", "src/model.ts" → "model". */
function part(file: string): string {
  return file.split("/")[1]!.replace(/\.ts$/, "");
}

/** Imports of values; those of types are erased, and so cost and bind nothing. */
async function imports(): Promise<{ from: string; to: string }[]> {
  // All in one bundle: with an entry for each, esbuild would write most files some hundred times.
  const all = SOURCES.map((file) => `import "./${file}";`).join("\n");
  const { metafile } = await build({
    absWorkingDir: ROOT,
    stdin: { contents: all, resolveDir: ROOT },
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    metafile: true,
    write: false,
  });
  return Object.entries(metafile.inputs)
    .filter(([from]) => from !== "<stdin>")
    .flatMap(([from, input]) => input.imports.map(({ path: to }) => ({ from, to })));
}

test("every part of src/ has its line", () => {
  const known = LINES.flat();
  expect([...new Set(SOURCES.map(part))].filter((name) => !known.includes(name))).toEqual([]);
});

test("imports point one way", async () => {
  const line = (file: string) => LINES.findIndex((parts) => parts.includes(part(file)));
  const wrong = (await imports())
    .filter(({ to }) => to.startsWith("src/"))
    .filter(({ from, to }) => part(from) !== part(to))
    .flatMap(({ from, to }) => {
      const rule = FORBIDDEN.find(([source, target]) => source.test(part(from)) && target.test(part(to)));
      if (rule) return [`${from} → ${to}: ${rule[2]}`];
      return line(to) > line(from) ? [] : [`${from} → ${to}: against the order`];
    });
  expect(wrong).toEqual([]);
});

test("only output/ imports kleur", async () => {
  const users = (await imports()).filter(({ to }) => to === "kleur").map(({ from }) => part(from));
  expect([...new Set(users)]).toEqual(["output"]);
});

/**
 * Who reads or changes the process around it. bin.ts hands everything else a Context, and index.ts takes the defaults of
 * the library from it; the runtime has to keep Miniflare from taking signals and the temporary folder to itself, and to
 * clean up when the process goes.
 */
const TOUCH_PROCESS = ["src/bin.ts", "src/index.ts", "src/runtime/miniflare.ts", "src/runtime/reaper.ts"];

test("only the outermost files touch `process`", async () => {
  const users: string[] = [];
  for (const file of SOURCES) {
    // Without types and comments; then without the strings (`define: { "process.env.NODE_ENV": … }`).
    const { code } = await transform(readFileSync(path.join(ROOT, file), "utf8"), { loader: "ts" });
    const bare = code.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g, '""');
    if (/(?<![.\w])process\.(env|cwd|argv|exit|exitCode|stdin|stdout|stderr|on|once|chdir)\b/.test(bare))
      users.push(file);
  }
  expect(users.sort()).toEqual(TOUCH_PROCESS);
});

test("no source file is longer than anybody wants to read", () => {
  const long = SOURCES.map((file) => ({ file, lines: readFileSync(path.join(ROOT, file), "utf8").split("\n").length }));
  expect(long.filter(({ lines }) => lines > 400)).toEqual([]);
});
