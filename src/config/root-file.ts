/** What the root file of a workspace may say, and what its members may not. */
import path from "node:path";
import { PRODUCTION, type Written } from "../model.ts";
import { check } from "./check.ts";
import type { Faults } from "./faults.ts";
import { dialectOf } from "./find.ts";
import { unknownKey } from "./issues.ts";
import { SETTING_KEYS } from "./keys.ts";
import type { ConfigFile } from "./parse.ts";
import { at, isTable, type SourcedTable, sourced } from "./sourced.ts";

/** Keys about the workspace; a root file that is no service has no others. */
const ROOT_KEYS = ["$schema", "workspace", "pipeline"];

/** Whether a file lists the services of a workspace. */
export function isRoot({ file, raw }: ConfigFile): boolean {
  return dialectOf(file) === "troupe" && raw.workspace !== undefined;
}

/** A root file may be a service as well. */
export function isService({ raw }: ConfigFile): boolean {
  return raw.name !== undefined || raw.main !== undefined || raw.assets !== undefined;
}

/** `[workspace] members`, as far as they are what they should be; what is not is reported elsewhere. */
export function memberPatterns({ raw }: ConfigFile): string[] {
  const members = isTable(raw.workspace) ? raw.workspace.members : undefined;
  return Array.isArray(members) ? members.filter((member) => typeof member === "string" && member !== "") : [];
}

/** An environment that has a config file of its own. */
export interface EnvironmentEntry {
  service: string;
  environment: string;
  /** Absolute. */
  file: string;
  written: Written;
}

/** `[workspace.services]`, as far as it is what it should be; what is not is reported elsewhere. */
export function environmentEntries({ file, raw }: ConfigFile): EnvironmentEntry[] {
  const services = isTable(raw.workspace) && isTable(raw.workspace.services) ? raw.workspace.services : {};
  return Object.entries(services).flatMap(([service, environments]) =>
    Object.entries(isTable(environments) ? environments : {}).flatMap(([environment, name]) => {
      if (typeof name !== "string" || name === "") return [];
      const written: Written = { file, path: ["workspace", "services", service, environment], environment: PRODUCTION };
      return [{ service, environment, file: path.resolve(path.dirname(file), name), written }];
    }),
  );
}

/** A root file that is no service says nothing but what the workspace is. */
export function checkRootOnly({ file, raw }: ConfigFile, faults: Faults): void {
  const top = sourced(raw, { file, path: [], environment: PRODUCTION }) as SourcedTable;
  for (const [key, node] of top.entries) {
    if (ROOT_KEYS.includes(key)) {
      check(node, SETTING_KEYS[key]!.schema, "troupe", faults);
      continue;
    }
    const notes = [
      "This file is the root of a workspace and no service itself: write the key in the members, or give this file a `name` and a `main`.",
    ];
    faults.add({ severity: "error", ...unknownKey(key, top, ROOT_KEYS), ...(SETTING_KEYS[key] && { notes }) });
  }
}

/** What only the root may say. */
export function checkMember(member: ConfigFile, root: ConfigFile, faults: Faults): void {
  if (dialectOf(member.file) !== "troupe") return;
  for (const key of ["workspace", "pipeline"]) {
    if (member.raw[key] === undefined) continue;
    const written: Written = { file: member.file, path: [key], environment: PRODUCTION };
    faults.error("root-key-in-member", `\`${key}\` stands in a member of a workspace`, written, {
      part: "key",
      notes: [`Write it in the root file, ${root.file}.`],
    });
  }
}

/** `[pipeline] stages` of a root file, or of a service that stands alone. */
export function stagesOf({ file, raw }: ConfigFile, faults: Faults): { stages?: string[] } {
  if (dialectOf(file) !== "troupe" || raw.pipeline === undefined) return {};
  const node = sourced(raw.pipeline, { file, path: ["pipeline"], environment: PRODUCTION });
  const checked = check(node, SETTING_KEYS.pipeline!.schema, "troupe", faults) as { stages: string[] } | undefined;
  if (!checked) return {};
  for (const [index, stage] of checked.stages.entries()) {
    if (checked.stages.indexOf(stage) === index) continue;
    faults.error("duplicate-stage", `The stage "${stage}" is listed twice`, at(node, ["stages", index])!.written);
  }
  return { stages: checked.stages };
}
