/** The published package in an empty folder: nothing in it may lean on this repository. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT, startTroupe } from "../support/cli.ts";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";

const run = promisify(execFile);
const state = { dir: "", files: [] as string[] };

beforeAll(async () => {
  state.dir = makeFolder();
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", state.dir], { cwd: ROOT });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as { filename: string; files: { path: string }[] }[];
  state.files = packed!.files.map((file) => file.path);
  await install(state.dir, packed!.filename);
}, 120_000);

afterAll(() => removeFolder(state.dir));

/** What `npm install <tarball>` does, with our copies of the dependencies that its manifest names, and of no others. */
async function install(dir: string, tarball: string): Promise<void> {
  const modules = path.join(dir, "node_modules");
  const target = path.join(modules, "troupe");
  mkdirSync(path.join(modules, ".bin"), { recursive: true });
  mkdirSync(target);
  await run("tar", ["-xzf", path.join(dir, tarball), "-C", target, "--strip-components=1"]);
  const manifest = JSON.parse(readFileSync(path.join(target, "package.json"), "utf8"));
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  }
  symlinkSync(path.join("..", "troupe", manifest.bin.troupe), path.join(modules, ".bin/troupe"));
}

describe("the package", () => {
  test("holds the bundle, its types, the schema and the templates, and not the sources", () => {
    const expected = [
      "README.md",
      "CHANGELOG.md",
      "dist/bin.js",
      "dist/index.js",
      "dist/types/index.d.ts",
      "dist/config-schema.json",
      "templates/hello/troupe.toml",
      "templates/gateway/services/auth/src/index.ts",
    ];
    expect(state.files).toEqual(expect.arrayContaining(expected));
    const strange = state.files.filter((file) => !/^(dist|templates)\/|^(package\.json|[A-Z]+\.md)$/.test(file));
    expect(strange).toEqual([]);
    expect(state.files.filter((file) => /metafile|node_modules|\.troupe\//.test(file))).toEqual([]);
  });

  test("gives a schema that editors find where templates point to", () => {
    const schema = JSON.parse(
      readFileSync(path.join(state.dir, "node_modules/troupe/dist/config-schema.json"), "utf8"),
    );
    expect(schema.properties).toHaveProperty("compatibility_date");
  });

  test("runs init, dev and a request", async () => {
    await run("npx", ["--no-install", "troupe", "init", "--no-git"], { cwd: state.dir });
    const bin = path.join(state.dir, "node_modules/.bin/troupe");
    const dev = startTroupe(["dev", "--port", "0", "--json"], { cwd: state.dir, bin });
    try {
      const { url } = await dev.event((event) => event.reason === "ready");
      const response = await fetch(`${url.replace("localhost", "127.0.0.1")}/?name=Ada`);
      expect(await response.text()).toBe("Hello, Ada!\n");
    } finally {
      await dev.stop();
    }
    expect((await dev.finished).code).toBe(130);
  });

  test("has types that stand on their own", async () => {
    writeFiles(state.dir, {
      "consumer/index.ts": `
        import { type DevEvent, type DevServer, startDev, TroupeError } from "troupe";
        const server: DevServer = await startDev({ port: 0, onEvent: (event: DevEvent) => console.log(event.reason) });
        const response: Response = await server.fetch("/");
        console.log(response.status, server.urls.auth, new TroupeError("CONFIG", "x").exitCode.toFixed());
        await server.stop();
        // @ts-expect-error: there is no such option
        await startDev({ prot: 0 });
      `,
      "consumer/tsconfig.json": JSON.stringify({
        compilerOptions: {
          module: "nodenext",
          target: "es2023",
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          types: [],
        },
      }),
    });
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    const { stdout } = await run(process.execPath, [tsc, "--project", path.join(state.dir, "consumer")]).catch(
      (error) => error,
    );
    expect(stdout).toBe("");
  });
});
