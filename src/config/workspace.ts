/** From a folder, or files named with -c, to the workspace: its root file and its members. */
import path from "node:path";
import { PRODUCTION, type Written } from "../model.ts";
import { check } from "./check.ts";
import type { Faults } from "./faults.ts";
import {
  configIn,
  dialectOf,
  type FoundConfig,
  findConfig,
  findMemberConfig,
  isFile,
  isFolder,
  TROUPE_FILE,
  upwards,
} from "./find.ts";
import { display, unknownKey } from "./issues.ts";
import { SETTING_KEYS } from "./keys.ts";
import { expandMembers } from "./members.ts";
import { type ConfigFile, readConfig } from "./parse.ts";
import { at, type SourcedTable, sourced } from "./sourced.ts";

/** A config file that is a service, read. */
export interface Member {
  found: FoundConfig;
  config: ConfigFile;
}

export interface WorkspaceFiles {
  /** Absolute folder. */
  root: string;
  members: Member[];
  /** The member that the command is about, if it stands in its folder or was named alone with -c. */
  current?: Member;
  stages?: string[];
  /** Files read that are no member's config. */
  otherFiles: string[];
  memberFolders: string[];
}

export interface WorkspaceOptions {
  cwd: string;
  config?: readonly string[];
}

/**
 * Finds and reads all files of a workspace.
 * @throws TroupeError CONFIG when there is no config at all, or a redirect leads nowhere
 */
export async function findWorkspace({ cwd, config = [] }: WorkspaceOptions, faults: Faults): Promise<WorkspaceFiles> {
  if (config.length > 1)
    return namedFiles(
      config.map((file) => named(cwd, file)),
      faults,
    );
  const found = config[0] === undefined ? await findConfig(cwd) : { file: named(cwd, config[0]) };
  const read = await readConfig(found.file, faults);
  if (isRoot(read)) return rootedAt(read, undefined, faults);
  const root = await rootAbove(found, faults);
  if (root) return rootedAt(root, { found, config: read }, faults);
  const member = { found, config: read };
  return {
    root: path.dirname(found.userFile ?? found.file),
    members: [member],
    current: member,
    ...stagesOf(read, faults),
    otherFiles: found.redirect ? [found.redirect] : [],
    memberFolders: [],
  };
}

/** A file named with -c; a folder stands for the config in it. */
function named(cwd: string, file: string): string {
  const absolute = path.resolve(cwd, file);
  return (isFolder(absolute) && configIn(absolute)) || absolute;
}

/** Several -c: exactly these services. State lies where the first one's workspace has it. */
async function namedFiles(files: readonly string[], faults: Faults): Promise<WorkspaceFiles> {
  const unique = [...new Set(files)];
  const members = await Promise.all(
    unique.map(async (file) => ({ found: { file }, config: await readConfig(file, faults) })),
  );
  for (const { config } of members) {
    if (!isRoot(config)) continue;
    const written: Written = { file: config.file, path: ["workspace"], environment: PRODUCTION };
    faults.error("workspace-among-services", "Several -c name services, but this is the root of a workspace", written, {
      part: "key",
      notes: ["Name it alone, or name its members."],
    });
  }
  const root = await rootAbove(members[0]!.found, faults);
  return {
    root: path.dirname(root?.file ?? unique[0]!),
    members: members.filter(({ config }) => !isRoot(config)),
    ...(root && stagesOf(root, faults)),
    otherFiles: root ? [root.file] : [],
    memberFolders: [],
  };
}

const isRoot = ({ file, raw }: ConfigFile) => dialectOf(file) === "troupe" && raw.workspace !== undefined;

/** The nearest root file above a config that lists it as a member. */
async function rootAbove({ file, userFile = file }: FoundConfig, faults: Faults): Promise<ConfigFile | undefined> {
  const [, ...above] = upwards(path.dirname(userFile));
  for (const folder of above) {
    const candidate = path.join(folder, TROUPE_FILE);
    if (!isFile(candidate)) continue;
    const read = await readConfig(candidate, faults);
    if (!isRoot(read)) continue;
    // Faults of the patterns are reported once it is known that this is the root.
    const ignored = { error() {} } as unknown as Faults;
    if (expandMembers(candidate, memberPatterns(read), ignored).files.includes(userFile)) return read;
  }
  return undefined;
}

function memberPatterns({ raw }: ConfigFile): string[] {
  const { members } = (raw.workspace ?? {}) as { members?: unknown };
  return Array.isArray(members) ? members.filter((member) => typeof member === "string") : [];
}

async function rootedAt(root: ConfigFile, standing: Member | undefined, faults: Faults): Promise<WorkspaceFiles> {
  const { files, folders } = expandMembers(root.file, memberPatterns(root), faults);
  const members = await Promise.all(
    files.map(async (file): Promise<Member> => {
      if (standing && (standing.found.userFile ?? standing.found.file) === file) return standing;
      const found = await findMemberConfig(file);
      return { found, config: await readConfig(found.file, faults) };
    }),
  );
  for (const { config } of members) checkMember(config, root, faults);
  const own = isService(root) ? [{ found: { file: root.file }, config: root }] : [];
  if (own.length === 0) checkRootOnly(root, faults);
  const redirects = members.flatMap(({ found }) => found.redirect ?? []);
  return {
    root: path.dirname(root.file),
    members: [...own, ...members],
    ...(standing && { current: standing }),
    ...stagesOf(root, faults),
    otherFiles: [...(own.length > 0 ? [] : [root.file]), ...redirects],
    memberFolders: folders,
  };
}

/** A root file may be a service as well. */
function isService({ raw }: ConfigFile): boolean {
  return raw.name !== undefined || raw.main !== undefined || raw.assets !== undefined;
}

/** A root file that is no service says nothing but what the workspace is. */
function checkRootOnly({ file, raw }: ConfigFile, faults: Faults): void {
  const top = sourced(raw, { file, path: [], environment: PRODUCTION }) as SourcedTable;
  const allowed = ["$schema", "workspace", "pipeline"];
  for (const [key, node] of top.entries) {
    if (allowed.includes(key)) {
      check(node, SETTING_KEYS[key]!.schema, "troupe", faults);
    } else {
      const notes = SETTING_KEYS[key]
        ? [
            "This file is the root of a workspace and no service itself: write it in the members, or give this file a `name` and `main`.",
          ]
        : undefined;
      faults.add({ severity: "error", ...unknownKey(key, top, allowed), ...(notes && { notes }) });
    }
  }
}

/** What only the root may say. */
function checkMember(member: ConfigFile, root: ConfigFile, faults: Faults): void {
  if (dialectOf(member.file) !== "troupe") return;
  for (const key of ["workspace", "pipeline"]) {
    if (member.raw[key] === undefined) continue;
    const written: Written = { file: member.file, path: [key], environment: PRODUCTION };
    faults.error("root-key-in-member", `\`${display([key])}\` stands in a member of a workspace`, written, {
      part: "key",
      notes: [`Write it in the root file, ${root.file}.`],
    });
  }
}

function stagesOf({ file, raw }: ConfigFile, faults: Faults): { stages?: string[] } {
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
