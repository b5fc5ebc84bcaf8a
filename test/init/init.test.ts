import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ownRange } from "../../src/ops/init/own-range.ts";
import { troupe, troupeJson } from "../support/cli.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";

/** Generates no types, and so takes a tenth of the time. */
const QUICK = ["--template", "gateway"];

const read = (dir: string, file: string) => readFileSync(path.join(dir, file), "utf8");

describe("a new project asks for the troupe that made it", () => {
  const asked = (range: string | undefined) => {
    const root = testFolder({
      "package.json": JSON.stringify({ devDependencies: range === undefined ? {} : { troupe: range } }),
    });
    return ownRange(path.join(root, "apps/shop"), path.join(root, "node_modules/troupe"));
  };

  test("by its version, when a registry has it", () => {
    expect(asked("^0.1.0")).toMatch(/^\^\d/);
    expect(asked(undefined)).toMatch(/^\^\d/);
    expect(ownRange("/somewhere", "/a/checkout")).toMatch(/^\^\d/);
  });

  test("from where it came, when it is a file, or a URL", () => {
    expect(asked("file:../troupe-0.1.0.tgz")).toBe("file:../../../troupe-0.1.0.tgz");
    expect(asked("./troupe.tgz")).toBe("file:../../troupe.tgz");
    expect(asked("link:../troupe")).toBe("link:../../../troupe");
    expect(asked("https://host.example/troupe.tgz")).toBe("https://host.example/troupe.tgz");
  });
});

describe("troupe init", () => {
  test("names the service after the folder, as far as a service can be named so", async () => {
    const dir = testFolder();
    const { name } = await troupeJson<{ name: string }>(["init", "Über  My_Shop!", "--no-git"], { cwd: dir });
    expect(name).toBe("ber-my_shop");
    expect(read(path.join(dir, "Über  My_Shop!"), "troupe.toml")).toContain('name = "ber-my_shop"');
  });

  test("refuses a folder that is a file, or below one", async () => {
    const dir = testFolder({ taken: "" });
    for (const name of ["taken", "taken/below"]) {
      const { code, stderr } = await troupeHere(["init", name, ...QUICK], { cwd: dir });
      expect(code).toBe(6);
      expect(stderr).toContain(`${name} is no folder`);
    }
  });

  test("gives a package a name that none of its dependencies has", async () => {
    const dir = testFolder();
    const { code, stdout } = await troupeHere(["init", "a b/troupe", ...QUICK, "--no-git"], { cwd: dir });
    expect(code).toBe(0);
    expect(stdout).toContain('cd "a b/troupe"');
    expect(JSON.parse(read(path.join(dir, "a b/troupe"), "package.json")).name).toBe("troupe-project");
  });

  test("refuses to overwrite, naming every file, and writes nothing", async () => {
    const dir = testFolder({ "troupe.toml": "name = 'mine'\n", "src/index.ts": "mine\n", "tsconfig.json": "\n" });
    const { code, stderr } = await troupe(["init"], { cwd: dir });
    expect(code).toBe(6);
    expect(stderr).toContain("src/index.ts, troupe.toml");
    expect(stderr).not.toContain("tsconfig.json"); // empty: nothing is lost
    expect(read(dir, "troupe.toml")).toBe("name = 'mine'\n");
    expect(readdirSync(dir).sort()).toEqual(["src", "troupe.toml", "tsconfig.json"]);
  });

  test("says what it waits for; run a second time it changes nothing", async () => {
    const dir = testFolder();
    const { stderr } = await troupe(["init", "--no-git"], { cwd: dir });
    expect(stderr).toBe("Writing types\n");
    expect(await troupeJson(["init", "--no-git"], { cwd: dir })).toMatchObject({ files: [] });
  });

  test("leaves a Wrangler project as it is", async () => {
    const dir = testFolder({ "wrangler.jsonc": "{}" });
    const { code, stderr } = await troupe(["init"], { cwd: dir });
    expect(code).toBe(6);
    expect(stderr).toContain('run "troupe dev"');
  });

  test("adds to an existing package.json and .gitignore, and keeps what they say", async () => {
    const manifest = {
      name: "mine",
      scripts: { dev: "my own", test: 'echo "Error: no test specified" && exit 1' },
      dependencies: { troupe: "file:troupe.tgz" },
    };
    const dir = testFolder({
      "package.json": `${JSON.stringify(manifest, null, "\t")}\n`,
      ".gitignore": "/node_modules\ncoverage",
    });
    expect((await troupe(["init", "--no-git", ...QUICK], { cwd: dir })).code).toBe(0);
    const text = read(dir, "package.json");
    expect(text).toContain('\n\t"name": "mine"');
    const extended = JSON.parse(text);
    expect(extended).toMatchObject({
      name: "mine",
      scripts: { dev: "my own", test: "node --test" },
      dependencies: { troupe: "file:troupe.tgz" },
      devDependencies: { typescript: expect.any(String) },
    });
    expect(extended.devDependencies.troupe).toBeUndefined();
    expect(read(dir, ".gitignore").split("\n").slice(0, 3)).toEqual(["/node_modules", "coverage", ".troupe/"]);
  });

  test("stops at a package.json that is not JSON", async () => {
    const dir = testFolder({ "package.json": '{ "name": ' });
    const { code, stderr } = await troupe(["init"], { cwd: dir });
    expect(code).toBe(3);
    expect(stderr).toContain("package.json is not valid JSON");
  });

  test("makes no repository inside another, nor with --no-git", async () => {
    const dir = testFolder();
    expect(await troupeJson(["init", "alone", "--no-git", ...QUICK], { cwd: dir })).toMatchObject({ git: false });
    expect(existsSync(path.join(dir, "alone/.git"))).toBe(false);
    execFileSync("git", ["init", "--quiet"], { cwd: dir });
    expect(await troupeJson(["init", "inside", ...QUICK], { cwd: dir })).toMatchObject({ git: false });
    expect(existsSync(path.join(dir, "inside/.git"))).toBe(false);
  });

  test("installs only when it is told to", async () => {
    const dir = testFolder();
    expect(await troupeJson(["init", ...QUICK], { cwd: dir })).toMatchObject({
      installed: false,
      packageManager: "npm",
    });
    expect(existsSync(path.join(dir, "node_modules"))).toBe(false);
  });

  test("says what went wrong when the packages cannot be installed; the project is there", async () => {
    const dir = testFolder();
    writeFiles(dir, { "bin/npm": "#!/bin/sh\necho no network today\nexit 1\n" });
    execFileSync("chmod", ["+x", path.join(dir, "bin/npm")]);
    const env = { PATH: `${path.join(dir, "bin")}:${process.env.PATH}`, npm_config_user_agent: undefined };
    const { code, stderr } = await troupe(["init", "shop", "--install", ...QUICK], { cwd: dir, env });
    expect(code).toBe(6);
    expect(stderr).toContain('"npm install" failed');
    expect(stderr).toContain("no network today");
    expect(existsSync(path.join(dir, "shop/troupe.toml"))).toBe(true);
  });
});
