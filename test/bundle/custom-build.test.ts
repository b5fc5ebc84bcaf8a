import { chmodSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type BundleOptions, type Bundler, createBundler } from "../../src/bundle/index.ts";
import { code, environment, project, removeProjects, worker, write } from "./helpers.ts";

afterAll(removeProjects);

const bundlers: Bundler[] = [];
afterEach(async () => {
  for (const bundler of bundlers.splice(0)) await bundler.dispose();
});

async function bundlerOf(
  dir: string,
  command: string,
  main = "dist/index.js",
  options: BundleOptions = {},
): Promise<Bundler> {
  const custom = { command, cwd: dir, watchDir: [path.join(dir, "src")] };
  const bundler = await createBundler(environment(dir, { main, build: { custom } }), options);
  bundlers.push(bundler);
  return bundler;
}

/** Counts its runs, and makes dist/index.js of src/index.txt. */
const script = (more = "") => `
  import fs from "node:fs";
  fs.appendFileSync("runs", "x");
  console.log("building " + process.env.WRANGLER_COMMAND);
  fs.mkdirSync("dist", { recursive: true });
  fs.writeFileSync("dist/index.js", "export default { text: " + JSON.stringify(fs.readFileSync("src/index.txt", "utf8")) + " }");
  ${more}`;
const RUN = `"${process.execPath}" build.mjs`;
const runs = (dir: string) => readFileSync(path.join(dir, "runs"), "utf8").length;

describe("[build] command", () => {
  it("runs before the first build, and again only for changes of its inputs", async () => {
    const dir = project({ "build.mjs": script(), "src/index.txt": "one" });
    const lines: string[] = [];
    const bundler = await bundlerOf(dir, RUN, undefined, {
      mode: "development",
      processEnv: process.env,
      onCommandOutput: (line) => lines.push(line),
    });
    const { bundle, inputFolders } = await bundler.build();
    expect(code(bundle)).toContain('"one"');
    expect(inputFolders).toEqual([path.join(dir, "src")]);
    expect(lines).toEqual(["building dev"]);

    await bundler.build([path.join(dir, "dist/index.js")]);
    expect(runs(dir)).toBe(1);
    write(dir, { "src/index.txt": "two" });
    expect(code((await bundler.build([path.join(dir, "src/index.txt")])).bundle)).toContain('"two"');
    expect(runs(dir)).toBe(2);
    await bundler.build();
    expect(runs(dir)).toBe(3);
  });

  it("runs once for all environments that build side by side", async () => {
    const dir = project({ "build.mjs": script(), "src/index.txt": "one" });
    const lines: string[] = [];
    const options: BundleOptions = {
      mode: "development",
      processEnv: process.env,
      onCommandOutput: (line) => lines.push(line),
    };
    const both = await Promise.all([1, 2].map(() => bundlerOf(dir, RUN, undefined, options)));
    const [one, other] = await Promise.all(both.map((bundler) => bundler.build()));
    expect(one!.bundle.contentHash).toBe(other!.bundle.contentHash);
    expect(lines).toEqual(["building dev"]);
    expect(runs(dir)).toBe(1);
    write(dir, { "src/index.txt": "two" });
    const changed = [path.join(dir, "src/index.txt")];
    await Promise.all(both.map((bundler) => bundler.build(changed)));
    expect(runs(dir)).toBe(2);
  });

  it("goes on for the one that is left when another is disposed", async () => {
    const dir = project({
      "build.mjs": script("await new Promise((r) => setTimeout(r, 300));"),
      "src/index.txt": "one",
    });
    const [leaving, staying] = await Promise.all([1, 2].map(() => bundlerOf(dir, RUN)));
    const left = leaving!.build().catch(() => {});
    const built = staying!.build();
    await leaving!.dispose();
    await left;
    expect((await built).bundle.exports).toEqual(["default"]);
  });

  it("finds the commands of installed packages, as npm scripts do", async () => {
    const dir = project({
      "build.mjs": script(),
      "src/index.txt": "one",
      "node_modules/.bin/make-it": `#!/bin/sh\n${RUN}\n`,
    });
    chmodSync(path.join(dir, "node_modules/.bin/make-it"), 0o755);
    const { bundle } = await (await bundlerOf(dir, "make-it", undefined, { processEnv: process.env })).build();
    expect(code(bundle)).toContain('"one"');
  });

  it("doesn't set itself off for ever by writing below its own watch_dir", async () => {
    const dir = project({
      "build.mjs": script(`fs.writeFileSync("src/generated.ts", "export const at = " + Date.now())`),
      "src/index.txt": "one",
    });
    const bundler = await bundlerOf(dir, RUN);
    await bundler.build();
    for (let round = 0; round < 4; round++) await bundler.build([path.join(dir, "src/generated.ts")]);
    expect(runs(dir)).toBe(2);
    await bundler.build([path.join(dir, "src/index.txt")]);
    expect(runs(dir)).toBe(3);
  });

  it("fails with its output, and can recover", async () => {
    const dir = project({
      "build.mjs": `console.log("step 1"); console.error("it broke"); process.exit(3);`,
      "src/index.txt": "one",
    });
    const location = { file: path.join(dir, "wrangler.toml"), line: 4, column: 1 };
    const bundler = await bundlerOf(dir, RUN, undefined, {
      locate: (key) => (key === "build.command" ? location : undefined),
    });
    await expect(bundler.build()).rejects.toMatchObject({
      code: "BUILD",
      message: `The build command \`${RUN}\` failed with exit code 3`,
      location,
      notes: [expect.stringMatching(/^It printed:\n(step 1\nit broke|it broke\nstep 1)$/)],
      diagnostics: [{ code: "build-command" }],
    });
    expect(bundler.watched.folders).toEqual([path.join(dir, "src")]);
    write(dir, { "build.mjs": script() });
    await bundler.build([path.join(dir, "src/index.txt")]);
  });

  it("must have made main", async () => {
    const dir = project({ "src/index.txt": "", "out/index.js": worker("1") });
    const bundler = await bundlerOf(dir, "exit 0");
    await expect(bundler.build()).rejects.toMatchObject({
      message: "main does not exist: dist/index.js",
      notes: [
        "The build command ran (`exit 0`) and didn't make it; main in wrangler.toml must name what it writes",
        "There is no folder dist",
      ],
    });
  });

  it("is ended with its children on dispose", async () => {
    const dir = project({
      "build.mjs": `import { spawn } from "node:child_process"; import fs from "node:fs";
        const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
        fs.writeFileSync("pids.tmp", process.pid + " " + child.pid); fs.renameSync("pids.tmp", "pids"); setInterval(() => {}, 1000);`,
      "src/index.txt": "",
    });
    const bundler = await bundlerOf(dir, `${RUN} && echo done`);
    const building = bundler.build();
    building.catch(() => {});
    await until(() => existsSync(path.join(dir, "pids")));
    const pids = readFileSync(path.join(dir, "pids"), "utf8").split(" ").map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await bundler.dispose();
    await expect(building).rejects.toMatchObject({ message: expect.stringContaining("was ended by SIGTERM") });
    await until(() => !pids.some(isAlive));
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("the condition was not met in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
