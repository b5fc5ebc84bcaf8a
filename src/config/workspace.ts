/** From a folder, or files named with -c, to the files of a workspace: its root and its members. */
import path from "node:path";
import { PRODUCTION, type Written } from "../model.ts";
import { Faults } from "./faults.ts";
import {
  configIn,
  type FoundConfig,
  findConfig,
  findMemberConfig,
  isFile,
  isFolder,
  TROUPE_FILE,
  upwards,
} from "./find.ts";
import { expandMembers } from "./members.ts";
import { type ConfigFile, configReader, type ReadConfig } from "./parse.ts";
import {
  checkMember,
  checkRootOnly,
  type EnvironmentEntry,
  environmentEntries,
  isRoot,
  isService,
  memberPatterns,
  stagesOf,
} from "./root-file.ts";

/** A config file that is a service, read. */
export interface Member {
  found: FoundConfig;
  config: ConfigFile;
  /** The environment that it is all of, when the root says so. */
  as?: EnvironmentEntry;
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
  /** By absolute path, what to read instead of a file. */
  texts?: ReadonlyMap<string, string>;
}

/**
 * Finds and reads all files of a workspace.
 * @throws TroupeError CONFIG when there is no config at all, or a redirect leads nowhere
 */
export async function findWorkspace(
  { cwd, config = [], texts }: WorkspaceOptions,
  faults: Faults,
): Promise<WorkspaceFiles> {
  const reading: Reading = { read: configReader(faults, texts), faults };
  const files = [...new Set(config.map((file) => named(cwd, file)))];
  if (files.length > 1) return namedFiles(files, reading);
  const found = files[0] === undefined ? await findConfig(cwd) : { file: files[0] };
  const member = { found, config: await reading.read(found.file) };
  if (isRoot(member.config)) return rootedAt(member.config, undefined, reading);
  const root = await rootAbove(found, reading);
  return root ? rootedAt(root, member, reading) : alone(member, faults);
}

interface Reading {
  read: ReadConfig;
  faults: Faults;
}

/** A file named with -c; a folder stands for the config in it. */
function named(cwd: string, file: string): string {
  const absolute = path.resolve(cwd, file);
  return (isFolder(absolute) && configIn(absolute)) || absolute;
}

/** A service outside any workspace: a workspace of one. */
function alone(member: Member, faults: Faults): WorkspaceFiles {
  const { file, userFile = file, redirect } = member.found;
  return {
    root: path.dirname(userFile),
    members: [member],
    current: member,
    ...stagesOf(member.config, faults),
    otherFiles: redirect ? [redirect] : [],
    memberFolders: [],
  };
}

/** Several -c: exactly these services. State lies where the first one's workspace has it. */
async function namedFiles(files: readonly string[], { read, faults }: Reading): Promise<WorkspaceFiles> {
  const members = await Promise.all(files.map(async (file) => ({ found: { file }, config: await read(file) })));
  for (const { config } of members.filter((member) => isRoot(member.config))) {
    const written: Written = { file: config.file, path: ["workspace"], environment: PRODUCTION };
    faults.error("workspace-among-services", "Several -c name services, but this is the root of a workspace", written, {
      part: "key",
      notes: ["Name it alone, or name its members."],
    });
  }
  const root = await rootAbove(members[0]!.found, { read, faults });
  return {
    root: path.dirname(root?.file ?? files[0]!),
    members: members.filter(({ config }) => !isRoot(config)),
    ...(root && stagesOf(root, faults)),
    otherFiles: root ? [root.file] : [],
    memberFolders: [],
  };
}

/** The nearest root file above a config that lists it as a member. */
async function rootAbove({ file, userFile = file }: FoundConfig, { read }: Reading): Promise<ConfigFile | undefined> {
  const [, ...above] = upwards(path.dirname(userFile));
  for (const folder of above) {
    const candidate = path.join(folder, TROUPE_FILE);
    if (!isFile(candidate)) continue;
    const config = await read(candidate);
    // Faults of the patterns are reported once it is known that this is the root.
    if (!isRoot(config)) continue;
    const { files } = expandMembers(candidate, memberPatterns(config), new Faults());
    if ([...files, ...environmentEntries(config).map((entry) => entry.file)].includes(userFile)) return config;
  }
  return undefined;
}

async function rootedAt(
  root: ConfigFile,
  standing: Member | undefined,
  { read, faults }: Reading,
): Promise<WorkspaceFiles> {
  const { files, folders } = expandMembers(root.file, memberPatterns(root), faults);
  const entries = environmentEntries(root);
  const plain = files.filter((file) => !entries.some((entry) => entry.file === file));
  const member = async (file: string, as?: EnvironmentEntry): Promise<Member> => {
    const stands = standing && (standing.found.userFile ?? standing.found.file) === file;
    if (stands && as) standing.as = as;
    if (stands) return standing;
    const found = as ? { file } : await findMemberConfig(file);
    return { found, config: await read(found.file), ...(as && { as }) };
  };
  const members = await Promise.all([
    ...plain.map((file) => member(file)),
    ...entries.map((entry) => member(entry.file, entry)),
  ]);
  for (const { config } of members) checkMember(config, root, faults);
  const own = isService(root) ? [{ found: { file: root.file }, config: root }] : [];
  if (own.length === 0) checkRootOnly(root, faults);
  return {
    root: path.dirname(root.file),
    members: [...own, ...members],
    ...(standing && { current: standing }),
    ...stagesOf(root, faults),
    otherFiles: [root.file, ...members.flatMap(({ found }) => found.redirect ?? [])],
    memberFolders: folders,
  };
}
