/** .dev.vars and .env* against what Wrangler makes of the same files. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { loadLocalVars, loadWorkspace } from "../../src/config/index.ts";

let root: string;
let getVarsForDev: typeof import("wrangler").unstable_getVarsForDev;

beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-vars-")));
  ({ unstable_getVarsForDev: getVarsForDev } = await import("wrangler"));
});

afterAll(() => rm(root, { recursive: true }));

afterEach(() => {
  vi.unstubAllEnvs();
});

interface Setting {
  files: Record<string, string>;
  /** More of the config. */
  config?: string;
  env?: string;
  envFiles?: string[];
  processEnv?: Record<string, string>;
}

async function project({ files, config = "" }: Setting, name = "wrangler.toml"): Promise<string> {
  const dir = await mkdtemp(path.join(root, "case-"));
  await mkdir(path.join(dir, "src"));
  await writeFile(path.join(dir, "src/index.ts"), "");
  const head = 'name = "shop"\nmain = "src/index.ts"\ncompatibility_date = "2026-11-01"\n';
  await writeFile(path.join(dir, name), `${head}${config}`);
  for (const [file, text] of Object.entries(files)) await writeFile(path.join(dir, file), text);
  return dir;
}

async function mine(dir: string, { env, envFiles, processEnv = {} }: Setting) {
  const { workspace } = await loadWorkspace({ cwd: dir, env, processEnv: {} });
  const [service] = workspace.services;
  return loadLocalVars(service!.environments[service!.defaultEnvironment]!, { env, envFiles, processEnv });
}

const cases: [string, Setting][] = [
  ["none", { files: {} }],
  [".dev.vars", { files: { ".dev.vars": "A=1\nB=two\n" } }],
  [".dev.vars before .env", { files: { ".dev.vars": "A=vars\n", ".env": "A=env\nB=env\n" } }],
  ["an empty .dev.vars before .env", { files: { ".dev.vars": "", ".env": "A=env\n" } }],
  [
    ".dev.vars.<env> instead of .dev.vars",
    { files: { ".dev.vars": "A=1\nB=1\n", ".dev.vars.staging": "A=2\n" }, env: "staging" },
  ],
  [".dev.vars where the environment has none", { files: { ".dev.vars": "A=1\n" }, env: "staging" }],
  [".dev.vars.<env> alone, and no environment", { files: { ".dev.vars.staging": "A=2\n", ".env": "B=3\n" } }],
  [
    ".env in all its kinds",
    {
      files: {
        ".env": "A=1\nB=1\nC=1\nD=1\n",
        ".env.local": "B=2\nC=2\nD=2\n",
        ".env.staging": "C=3\nD=3\n",
        ".env.staging.local": "D=4\n",
      },
      env: "staging",
    },
  ],
  [".env of an environment not asked for", { files: { ".env": "A=1\n", ".env.staging": "A=2\n" } }],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dotenv's own syntax
  ["expansion", { files: { ".env": "A=1\nB=$A-x\nC=${A}${MISSING:-d}\nD=\"\\\\$A\"\nE='$A'\n" } }],
  ["no expansion in .dev.vars", { files: { ".dev.vars": "A=1\nB=$A\n" } }],
  [
    "quotes, comments, spaces, lines",
    {
      files: {
        ".dev.vars": '# c\nexport A=1 # c\nB=\' x \'\nC="two\\nlines"\nD=`a"b\'c`\nE=\nF = spaced \nG="a\nb"\nH=a=b\n',
      },
    },
  ],
  [
    "--env-file",
    {
      files: { ".dev.vars": "A=1\n", ".env": "A=2\n", "my.env": "A=3\n", "other.env": "B=4\n" },
      envFiles: ["my.env", "other.env", "missing.env"],
    },
  ],
  [
    "no .env on request",
    { files: { ".env": "A=1\n" }, processEnv: { CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false" } },
  ],
  [
    "the process",
    {
      files: { ".env": "A=1\nB=$FROM_PROCESS\n" },
      processEnv: { CLOUDFLARE_INCLUDE_PROCESS_ENV: "true", FROM_PROCESS: "p", A: "process" },
    },
  ],
  [
    "secrets declared",
    { files: { ".dev.vars": "A=1\nB=2\nC=3\n" }, config: '[vars]\nB = "config"\n[secrets]\nrequired = ["A"]\n' },
  ],
  [
    "secrets declared, from the process",
    { files: { ".env": "C=3\n" }, config: '[secrets]\nrequired = ["A"]\n', processEnv: { A: "process", B: "no" } },
  ],
  ["secrets declared, but none", { files: { ".dev.vars": "A=1\n" }, config: "[secrets]\nrequired = []\n" }],
];

describe("local variables come to the same as with Wrangler", () => {
  it.each(cases)("%s", async (_, setting) => {
    const dir = await project(setting);
    const { env, envFiles, processEnv = {} } = setting;
    const { values, files } = await mine(dir, setting);
    expect(files.length).toBeGreaterThan(0);

    const { workspace } = await loadWorkspace({ cwd: dir, env, processEnv: {} });
    const [service] = workspace.services;
    const { bindings, written } = service!.environments[service!.defaultEnvironment]!;
    const vars = Object.fromEntries(
      bindings.filter(({ kind }) => kind === "var").map(({ name, entry }) => [name, entry.value]),
    );
    const required = bindings.filter(({ kind }) => kind === "secret").map(({ name }) => name);
    for (const [name, value] of Object.entries(processEnv)) vi.stubEnv(name, value);
    const theirs = getVarsForDev(
      path.join(dir, "wrangler.toml"),
      envFiles,
      vars as never,
      env,
      true,
      written.secrets ? { required } : undefined,
    );
    const secrets = Object.entries(theirs).filter(([, { type }]) => type === "secret_text");
    const process_ = processEnv.CLOUDFLARE_INCLUDE_PROCESS_ENV === "true";
    // The whole process environment of this test run is none of ours.
    const compared = process_ ? secrets.filter(([name]) => ["A", "B", "FROM_PROCESS"].includes(name)) : secrets;
    const own = process_
      ? Object.entries(values).filter(([name]) => ["A", "B", "FROM_PROCESS"].includes(name))
      : Object.entries(values);
    expect(Object.fromEntries(own)).toEqual(Object.fromEntries(compared.map(([name, { value }]) => [name, value])));
  });
});

describe("in troupe.toml", () => {
  it("every environment has its own .dev.vars, whatever was asked for", async () => {
    const dir = await project(
      { files: { ".dev.vars": "A=1\n", ".dev.vars.staging": "A=2\n" }, config: "[env.staging]\n" },
      "troupe.toml",
    );
    const { workspace } = await loadWorkspace({ cwd: dir, processEnv: {} });
    const { production, staging } = workspace.services[0]!.environments;
    const options = { env: "staging", processEnv: {} };
    expect((await loadLocalVars(production!, options)).values).toEqual({ A: "1" });
    expect((await loadLocalVars(staging!, options)).values).toEqual({ A: "2" });
  });
});

describe("the files to watch", () => {
  it("are all that could come to be, in the folder of the user's own config", async () => {
    const dir = await project({ files: {}, config: "[env.staging]\n" });
    const { files } = await mine(dir, { files: {}, env: "staging" });
    const names = [".dev.vars.staging", ".dev.vars", ".env", ".env.local", ".env.staging", ".env.staging.local"];
    expect(files).toEqual(names.map((name) => path.join(dir, name)));
  });

  it("lie beside the config that a build tool read, not beside the one it made", async () => {
    const dir = await project({ files: { ".dev.vars": "A=1\n" } });
    await mkdir(path.join(dir, ".wrangler/deploy"), { recursive: true });
    await mkdir(path.join(dir, "dist"));
    await writeFile(path.join(dir, ".wrangler/deploy/config.json"), '{"configPath":"../../dist/wrangler.json"}');
    await writeFile(
      path.join(dir, "dist/wrangler.json"),
      '{"name":"shop","main":"../src/index.ts","compatibility_date":"2026-11-01"}',
    );
    expect((await mine(dir, { files: {} })).values).toEqual({ A: "1" });
  });

  it("a file that can't be read is an error that names it", async () => {
    const dir = await project({ files: {} });
    await mkdir(path.join(dir, ".dev.vars"));
    await expect(mine(dir, { files: {} })).rejects.toThrow(path.join(dir, ".dev.vars"));
  });
});
