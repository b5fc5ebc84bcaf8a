/** What the command line says over the config of the services it is about. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import { didYouMean } from "../../lib/did-you-mean.ts";
import type { Binding, Environment } from "../../model.ts";
import type { Plan } from "./plan.ts";
import type { DevOptions } from "./types.ts";

/** @returns the options with the paths of overrides absolute: on the command line they start from the current folder */
export function withPaths(options: DevOptions): DevOptions {
  const { overrides, cwd } = options;
  if (!overrides) return options;
  const { main, tsconfig, assets } = overrides;
  return {
    ...options,
    overrides: {
      ...overrides,
      ...(main !== undefined && { main: path.resolve(cwd, main) }),
      ...(tsconfig !== undefined && { tsconfig: path.resolve(cwd, tsconfig) }),
      ...(assets !== undefined && { assets: path.resolve(cwd, assets) }),
    },
  };
}

/** An environment with what the command line says over its config. */
export function applyOverrides(environment: Environment, { overrides }: DevOptions): Environment {
  if (!overrides) return environment;
  return {
    ...environment,
    main: overrides.main ?? environment.main,
    compatibilityDate: overrides.compatibilityDate ?? environment.compatibilityDate,
    compatibilityFlags: overrides.compatibilityFlags ?? environment.compatibilityFlags,
    bindings: overrides.assets === undefined ? environment.bindings : withAssets(environment, overrides.assets),
  };
}

/** The options of assets stay those of the config. */
function withAssets({ bindings, name, configPath }: Environment, directory: string): Binding[] {
  if (bindings.some(({ kind }) => kind === "assets")) {
    return bindings.map((each) => (each.kind === "assets" ? { ...each, entry: { ...each.entry, directory } } : each));
  }
  const written = { file: configPath, path: [], environment: name };
  return [...bindings, { name: "assets", kind: "assets", inEnv: false, entry: { directory }, origin: "own", written }];
}

/** @throws TroupeError NOT_FOUND when the command line names an entry file or a folder of assets that is not there */
export async function checkOverrides({ overrides = {}, cwd }: DevOptions, plan: Plan): Promise<void> {
  const { main, assets } = overrides;
  // A build command may still make the file.
  const { custom } = plan.graph.environments.get(plan.primary)!.build;
  if (main !== undefined && !custom && !(await isEntry(main))) {
    const isFolder = await is(main, "folder");
    const message = isFolder ? `${shown(cwd, main)} is a folder, not a file` : `There is no file ${shown(cwd, main)}`;
    throw new TroupeError("NOT_FOUND", message, { notes: await meant(main, cwd, isFolder, plan) });
  }
  if (assets !== undefined && !(await is(assets, "folder"))) {
    throw new TroupeError("NOT_FOUND", `There is no folder ${shown(cwd, assets)}`, {
      notes: ["--assets takes the folder of static files to serve"],
    });
  }
}

/** Bundling finds an entry that is written without its extension, too. */
async function isEntry(main: string): Promise<boolean> {
  if (await is(main, "file")) return true;
  if (path.extname(main) !== "") return false;
  const names = await readdir(path.dirname(main)).catch(() => []);
  return names.some((name) => path.extname(name) !== "" && path.parse(name).name === path.basename(main));
}

async function meant(main: string, cwd: string, isFolder: boolean, plan: Plan): Promise<string[]> {
  const name = shown(cwd, main);
  if (plan.workspace.services.some((service) => service.name === name)) {
    return [`"troupe dev --service ${name}" runs the service of that name`];
  }
  if (isFolder) return [`"troupe dev --cwd ${name}" runs the service in it`];
  const folder = path.dirname(main);
  const names = await readdir(folder).catch(() => undefined);
  if (!names) return [`There is no folder ${shown(cwd, folder)} either`];
  const guess = didYouMean(path.basename(main), names);
  return guess ? [`did you mean "${shown(cwd, path.join(folder, guess))}"?`] : ["The entry file of a service is meant"];
}

function shown(cwd: string, file: string): string {
  return path.relative(cwd, file) || ".";
}

async function is(file: string, what: "file" | "folder"): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return (what === "file" ? found?.isFile() : found?.isDirectory()) === true;
}
