/**
 * Types taken from another service's source pull that source into this service's TypeScript program, where the global
 * `Env` is this service's. Source that means its own by it is then checked against the wrong one. TypeScript's answer is
 * a project reference: https://www.typescriptlang.org/docs/handbook/project-references.html
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "jsonc-parser";
import { kindOf } from "../../bindings/index.ts";
import type { Diagnostic } from "../../errors.ts";
import { resolveReference } from "../../graph/index.ts";
import type { Environment, Workspace } from "../../model.ts";

/** @returns a warning for each service whose source would be checked against the `Env` of these environments */
export async function foreignEnvs(workspace: Workspace, environments: readonly Environment[]): Promise<Diagnostic[]> {
  const [own] = environments as [Environment];
  const targets = new Map<string, Environment>();
  for (const environment of environments) {
    for (const binding of environment.bindings) {
      for (const reference of kindOf(binding).references?.(binding) ?? []) {
        const target = resolveReference(workspace, environment, reference).environment;
        if (target && target.service !== own.service) targets.set(target.service, target);
      }
    }
  }
  const warnings: Diagnostic[] = [];
  for (const target of targets.values()) {
    if (!(await usesGlobalEnv(target)) || (await hasReference(own.dir, target.dir))) continue;
    const relative = path.relative(own.dir, target.dir).split(path.sep).join("/");
    warnings.push({
      severity: "warning",
      code: "foreign-env",
      message: `${own.service} takes types from the source of ${target.service}, which uses the global Env: there, TypeScript takes it for that of ${own.service}`,
      notes: [
        `Let TypeScript check ${target.service} by itself: "references": [{ "path": "${relative}" }] in the tsconfig.json of ${own.service}, "composite": true in that of ${target.service}, and tsc -b`,
      ],
    });
  }
  return warnings;
}

async function usesGlobalEnv({ main, bindings }: Environment): Promise<boolean> {
  if (!main || !/\.[cm]?tsx?$/.test(main) || !bindings.some(({ inEnv }) => inEnv)) return false;
  const source = await readFile(main, "utf8").catch(() => "");
  const declared = /\b(?:interface|type|class)\s+Env\b|\bimport\b[^;]*\bEnv\b[^;]*\bfrom\b/.test(source);
  return !declared && /\bEnv\b/.test(source);
}

/** Whether the nearest tsconfig.json of one folder refers to the project in another. */
async function hasReference(from: string, to: string): Promise<boolean> {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const text = await readFile(path.join(folder, "tsconfig.json"), "utf8").catch(() => undefined);
    if (text !== undefined) {
      const { references = [] } = (parse(text, [], { allowTrailingComma: true }) ?? {}) as { references?: unknown };
      const paths = (Array.isArray(references) ? references : []).flatMap((reference) => reference?.path ?? []);
      return paths.some((each) => [to, path.join(to, "tsconfig.json")].includes(path.resolve(folder, String(each))));
    }
    if (path.dirname(folder) === folder) return false;
  }
}
