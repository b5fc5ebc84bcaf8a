/** Golden pairs: a config (a file, or a folder of files) beside what it must come to, as `.json` or `.err`. */
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadWorkspace } from "../../src/config/index.ts";
import { type Diagnostic, TroupeError } from "../../src/errors.ts";
import type { Binding, Environment, Workspace } from "../../src/model.ts";

export const GOLDEN = path.join(import.meta.dirname, "golden");

const CONFIG_NAME = /(?:^|\.)(troupe\.toml|wrangler\.(?:staging\.)?(?:toml|jsonc?))$/;

export interface GoldenCase {
  name: string;
  /** The file or folder to load. */
  input: string;
}

/** Every case; one without an expected outcome has none yet. */
export async function goldenCases(): Promise<GoldenCase[]> {
  const names = (await readdir(GOLDEN)).sort();
  return names
    .filter((name) => !/\.(json|err)$/.test(name) || CONFIG_NAME.test(name))
    .map((name) => ({
      name: name.replace(/\.(troupe\.toml|wrangler\.(toml|jsonc?))$/, ""),
      input: path.join(GOLDEN, name),
    }));
}

export interface Outcome {
  kind: "json" | "err";
  text: string;
}

/**
 * Loads a case from a folder of its own, in which every config has a `src/index.ts` beside it. A first line
 * `# troupe: -e staging --cwd services/auth -c file` (or `//`) gives flags; `NAME=value` gives process variables.
 */
export async function outcomeOf({ input }: GoldenCase): Promise<Outcome> {
  const temporary = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-golden-")));
  const dir = path.join(temporary, "project");
  try {
    await mkdir(dir);
    const isFolder = (await stat(input)).isDirectory();
    if (isFolder) await cp(input, dir, { recursive: true });
    else await cp(input, path.join(dir, CONFIG_NAME.exec(path.basename(input))![1]!));
    const flags = await prepare(dir);
    try {
      const { workspace, warnings } = await loadWorkspace({
        cwd: path.join(dir, flags.cwd),
        env: flags.env,
        processEnv: flags.processEnv,
        now: new Date("2026-11-17T12:00:00Z"),
        ...(flags.config.length > 0 && { config: flags.config }),
      });
      return { kind: "json", text: `${JSON.stringify(summary(workspace, warnings, dir), null, 2)}\n` };
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error;
      return { kind: "err", text: failure(error, dir) };
    }
  } finally {
    await rm(temporary, { recursive: true });
  }
}

interface Flags {
  cwd: string;
  env?: string;
  config: string[];
  processEnv: Record<string, string>;
}

async function prepare(dir: string): Promise<Flags> {
  const flags: Flags = { cwd: ".", config: [], processEnv: {} };
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !CONFIG_NAME.test(entry.name)) continue;
    await mkdir(path.join(entry.parentPath, "src"), { recursive: true });
    await writeFile(path.join(entry.parentPath, "src/index.ts"), "export default {};\n");
    const [first = ""] = (await readFile(path.join(entry.parentPath, entry.name), "utf8")).split("\n");
    const words = /^(?:#|\/\/) troupe: (.*)$/.exec(first)?.[1]?.split(" ") ?? [];
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === "-e") flags.env = words.shift()!.replace(/^""$/, "");
      else if (word === "--cwd") flags.cwd = words.shift()!;
      else if (word === "-c") flags.config.push(words.shift()!);
      else flags.processEnv[word.slice(0, word.indexOf("="))] = word.slice(word.indexOf("=") + 1);
    }
  }
  return flags;
}

/** The model without what is the same everywhere, paths relative to `dir`. */
function summary(workspace: Workspace, warnings: Diagnostic[], dir: string): unknown {
  const { services, current, stages, root, files, memberFolders } = workspace;
  const result = {
    ...(root !== dir && { root }),
    ...(current !== undefined && services.length > 1 && { current }),
    ...(stages && { stages }),
    services: Object.fromEntries(
      services.map(({ name, environments, defaultEnvironment }) => [
        name,
        {
          ...(defaultEnvironment !== "production" && { default: defaultEnvironment }),
          ...Object.fromEntries(Object.entries(environments).map(([env, model]) => [env, environmentSummary(model)])),
        },
      ]),
    ),
    ...(memberFolders.length > 0 && { files, memberFolders }),
    ...(warnings.length > 0 && { warnings: warnings.flatMap((each) => diagnosticLines(each)) }),
  };
  return JSON.parse(JSON.stringify(result).replaceAll(`${dir}/`, "").replaceAll(`"${dir}"`, '"."'));
}

const DEFAULT_BUILD = {
  rules: [],
  define: {},
  alias: {},
  noBundle: false,
  findAdditionalModules: false,
  preserveFileNames: false,
  minify: false,
  keepNames: true,
  jsxFactory: "React.createElement",
  jsxFragment: "React.Fragment",
  uploadSourceMaps: true,
  wasmModules: {},
  textBlobs: {},
  dataBlobs: {},
};

function environmentSummary(environment: Environment): unknown {
  const { scriptName, main, compatibilityDate, bindings, build, written: _, ...rest } = environment;
  const { service: _s, name: _n, configPath: _c, dialect: _d, ...more } = rest;
  const changed = differing(build, DEFAULT_BUILD);
  return {
    scriptName,
    main,
    compatibilityDate,
    ...differing(more, {
      compatibilityFlags: [],
      crons: [],
      routes: [],
      protected: false,
      migrations: [],
      settings: {},
      dir: more.dir,
    }),
    ...(Object.keys(changed).length > 0 && { build: changed }),
    bindings: Object.fromEntries(bindings.map((binding) => [binding.name, bindingSummary(binding)])),
  };
}

function differing(value: object, usual: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(value).filter(([key, each]) => JSON.stringify(each) !== JSON.stringify(usual[key]));
  return Object.fromEntries(entries);
}

function bindingSummary({ kind, entry, resource, origin, inEnv, written }: Binding): unknown {
  return {
    is: `${kind}${inEnv ? "" : " (attached)"}, ${origin}, ${written.path.join(".")} of ${written.environment}`,
    ...(resource && {
      resource: `${resource.id}${resource.edition === undefined ? "" : ` (edition ${resource.edition})`}`,
    }),
    entry,
  };
}

function failure(error: TroupeError, dir: string): string {
  const lines =
    error.diagnostics.length > 0
      ? error.diagnostics.flatMap((each) => diagnosticLines(each))
      : [error.message, ...error.notes.map((note) => `  ${note}`)];
  return `${error.code}\n${lines.join("\n")}\n`.replaceAll(`${dir}/`, "").replaceAll(dir, ".");
}

function diagnosticLines({ severity, code, message, location, notes = [] }: Diagnostic): string[] {
  const place = location ? `${location.file}:${location.line}:${location.column}` : "";
  return [`${place} ${severity} ${code}: ${message}`.trim(), ...notes.map((note) => `  ${note}`)];
}
