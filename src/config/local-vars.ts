/**
 * Local values of secrets and variables, from the files that Wrangler reads:
 * https://developers.cloudflare.com/workers/configuration/secrets/#local-development-with-secrets
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "dotenv";
import { expand } from "dotenv-expand";
import { kindOf } from "../bindings/index.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import { whyUnreadable } from "../lib/file-error.ts";
import type { Environment } from "../model.ts";

export interface LocalVarsOptions {
  /** -e as given: it picks the files of a service in Wrangler's dialect. CLOUDFLARE_ENV does not. */
  env?: string;
  /** --env-file: these, instead of all others, relative to the config's folder. */
  envFiles?: readonly string[];
  processEnv: Record<string, string | undefined>;
}

/** Where a value is from that no file gave. */
export const PROCESS = "the environment";

export interface LocalVars {
  values: Record<string, string>;
  /** For each value the name of the file it was read from, or `PROCESS`. */
  from: Record<string, string>;
  /** Every file that was looked for, existing or not, to watch. Absolute. */
  files: string[];
  warnings: Diagnostic[];
}

/**
 * `.dev.vars.<env>`, else `.dev.vars`; only where neither exists `.env`, `.env.local`, `.env.<env>`, `.env.<env>.local`,
 * one over the other. They lie beside the config file.
 * @throws TroupeError CONFIG when a file exists but can't be read
 */
export async function loadLocalVars(environment: Environment, options: LocalVarsOptions): Promise<LocalVars> {
  const { envFiles = [] } = options;
  const dir = environment.userDir ?? environment.dir;
  const processEnv =
    environment.dialect === "wrangler" ? await withSwitches(dir, options.processEnv) : options.processEnv;
  const env = filesOf(environment, options.env);
  const files =
    envFiles.length > 0 ? [] : [...(env ? [`.dev.vars.${env}`] : []), ".dev.vars"].map((name) => path.join(dir, name));
  const declared = environment.written.secrets !== undefined;

  let values: Record<string, string> | undefined;
  let origin = (_name: string): string => PROCESS;
  for (const file of files) {
    const text = await textOf(file);
    if (text === undefined) continue;
    values = parse(text);
    origin = () => path.basename(file);
    break;
  }
  if (envFiles.length > 0 || isOn(processEnv.CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV, true)) {
    const names = envFiles.length > 0 ? envFiles : dotEnvFiles(env);
    const dotEnv = names.map((name) => path.resolve(dir, name));
    files.push(...dotEnv);
    // Names that the config declares may also come from the process.
    const fromProcess = declared || isOn(processEnv.CLOUDFLARE_INCLUDE_PROCESS_ENV, false);
    if (!values) {
      const { from, expanded } = await loadDotEnv(dotEnv, fromProcess ? processEnv : {});
      values = expanded;
      origin = (name) => from[name] ?? PROCESS;
    }
  }
  const kept = declared ? onlyDeclared(values ?? {}, environment) : (values ?? {});
  const from = Object.fromEntries(Object.keys(kept).map((name) => [name, origin(name)]));
  return { values: kept, from, files, warnings: [] };
}

/**
 * Which `.dev.vars.<env>`: Wrangler goes by what the command line says, whichever environment a config has. In troupe.toml
 * every environment has its own file, since several can run at once.
 */
function filesOf({ dialect, name }: Environment, env: string | undefined): string | undefined {
  return (dialect === "troupe" ? name : env) || undefined;
}

function dotEnvFiles(env: string | undefined): string[] {
  return [".env", ".env.local", ...(env ? [`.env.${env}`, `.env.${env}.local`] : [])];
}

/** Later files win; then `$NAME` is expanded, where values of the process go before those of the files. */
async function loadDotEnv(
  files: readonly string[],
  processEnv: Record<string, string | undefined>,
): Promise<{ expanded: Record<string, string>; from: Record<string, string> }> {
  const parsed: Record<string, string> = {};
  const from: Record<string, string> = {};
  for (const file of files) {
    const own = parse((await textOf(file)) ?? "");
    Object.assign(parsed, own);
    for (const name of Object.keys(own)) if (processEnv[name] === undefined) from[name] = path.basename(file);
  }
  const expanded = Object.fromEntries(
    Object.entries(processEnv).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  expand({ parsed, processEnv: expanded });
  return { expanded, from };
}

/** With `secrets` in the config, nothing else gets in but what it or `vars` names. */
function onlyDeclared(values: Record<string, string>, { bindings }: Environment): Record<string, string> {
  const declared = new Set(
    bindings.flatMap((binding) => [
      ...(kindOf(binding).processEnv ? [binding.name] : []),
      ...(kindOf(binding).variables?.(binding) ?? []),
    ]),
  );
  return Object.fromEntries(Object.entries(values).filter(([name]) => declared.has(name)));
}

/** Switches of Wrangler's, which also counts what `.env` and `.env.local` say about itself. */
const SWITCHES = ["CLOUDFLARE_ENV", "CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", "CLOUDFLARE_INCLUDE_PROCESS_ENV"];

/** @returns the process environment, with those switches from the `.env` files of a folder that it does not have itself */
export async function withSwitches(
  folder: string,
  processEnv: Record<string, string | undefined>,
): Promise<Record<string, string | undefined>> {
  const { expanded: files } = await loadDotEnv(
    dotEnvFiles(undefined).map((name) => path.join(folder, name)),
    {},
  );
  const switches = SWITCHES.filter((name) => processEnv[name] === undefined && files[name] !== undefined);
  return { ...processEnv, ...Object.fromEntries(switches.map((name) => [name, files[name]])) };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new TroupeError("CONFIG", `Cannot read ${file}: ${whyUnreadable(error)}`, { cause: error });
  }
}

/** A switch in the process environment, as Wrangler reads it: true or false, in any case. */
function isOn(value: string | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  return value.toLowerCase() === "true" || (value.toLowerCase() !== "false" && otherwise);
}
