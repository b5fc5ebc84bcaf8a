/** Secrets of deployed environments. */

import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse as parseDotenv } from "dotenv";
import { TroupeError } from "../errors.ts";
import { whyUnreadable } from "../lib/file-error.ts";
import { withoutBom } from "../lib/without-bom.ts";
import { type EnvironmentRef, refId } from "../model.ts";
import type { ChangeReport, SecretInfo } from "../targets/target.ts";
import { provenance } from "./provenance.ts";
import { chosenEnvironment, type OpenTarget, type TargetSelection, withTarget } from "./target.ts";

const NAME = /^[A-Za-z_$][\w$]*$/;
const LONGEST_NAME = 256;

export interface SecretsReport extends ChangeReport {
  service: string;
  environment: string;
  /** Names that were set. */
  put: string[];
  /** Names that were taken away. */
  deleted: string[];
}

/**
 * Sets secrets. An environment that was not deployed yet is made, so that its first deploy finds them.
 * @throws TroupeError USAGE for a name that code could not reach; NOT_FOUND; PRECONDITION
 */
export async function putSecrets(selection: TargetSelection, put: Record<string, string>): Promise<SecretsReport> {
  checkSecretNames(put);
  return withTarget(selection, { create: true }, async (open) => {
    const ref = await chosenEnvironment(open, selection);
    await ensureEnvironment(open, ref);
    const report = await open.target.changeSecrets({ ref, put, ...(await provenance(selection)) });
    return { ...report, ...ref, put: Object.keys(put), deleted: [] };
  });
}

/** @throws TroupeError USAGE for a name that code could not reach */
export function checkSecretNames(secrets: Record<string, string>): void {
  for (const name of Object.keys(secrets)) {
    const fault = !NAME.test(name)
      ? `"${name}" is no name for a secret: use letters, digits and underscores`
      : name in Object.prototype
        ? `A secret must have another name: every JavaScript object has a "${name}"`
        : name.length > LONGEST_NAME
          ? `The name of a secret has at most ${LONGEST_NAME} characters (it has ${name.length})`
          : undefined;
    if (fault) throw new TroupeError("USAGE", fault);
  }
}

/** @throws TroupeError NOT_FOUND */
export async function deleteSecrets(selection: TargetSelection, names: string[]): Promise<SecretsReport> {
  return withTarget(selection, {}, async (open) => {
    const ref = await chosenEnvironment(open, selection);
    const report = await open.target.changeSecrets({ ref, remove: names, ...(await provenance(selection)) });
    return { ...report, ...ref, put: [], deleted: names };
  });
}

/** @throws TroupeError NOT_FOUND */
export async function listSecrets(selection: TargetSelection): Promise<EnvironmentRef & { secrets: SecretInfo[] }> {
  return withTarget(selection, {}, async (open) => {
    const ref = await chosenEnvironment(open, selection);
    return { ...ref, secrets: (await open.target.read(ref)).secrets };
  });
}

async function ensureEnvironment({ target, workspace }: OpenTarget, ref: EnvironmentRef): Promise<void> {
  const known = (await target.list(ref.service)).some(({ name }) => name === ref.environment);
  const service = workspace?.services.find(({ name }) => name === ref.service);
  if (known) return;
  if (!service?.environments[ref.environment]) {
    const { environment } = ref;
    throw new TroupeError("NOT_FOUND", `There is no environment ${refId(ref)}`, {
      notes: [`Make it first: troupe env create ${environment} --service ${ref.service}`],
    });
  }
  await target.create([ref], {});
}

/** @throws TroupeError NOT_FOUND; USAGE when the file is neither JSON nor lines of NAME=value */
export async function readSecrets(file: string, cwd: string): Promise<Record<string, string>> {
  const full = path.resolve(cwd, file);
  const text = await readFile(full, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new TroupeError("NOT_FOUND", `Cannot read the secrets file ${full}: ${whyUnreadable(error)}`, {
      cause: error,
    });
  });
  return parseSecrets(text, full);
}

/**
 * Secrets of a file: a JSON object of strings, or lines of NAME=value.
 * @throws TroupeError USAGE, without any value in the message
 */
export function parseSecrets(given: string, what: string): Record<string, string> {
  const text = withoutBom(given);
  if (!text.trimStart().startsWith("{")) {
    const found = parseDotenv(text);
    if (Object.keys(found).length > 0 || text.trim() === "") return found;
    throw new TroupeError("USAGE", `${what} holds neither a JSON object nor lines of NAME=value`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TroupeError("USAGE", `${what} is no valid JSON`);
  }
  const wrong = Object.entries(value as object).find(([, each]) => typeof each !== "string");
  if (wrong) throw new TroupeError("USAGE", `${what}: the value of ${wrong[0]} is no string`);
  return value as Record<string, string>;
}
