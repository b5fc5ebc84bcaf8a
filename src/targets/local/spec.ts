/** Deployed environments → what the runtime runs. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Reference, ResolvedReference } from "../../bindings/kind.ts";
import { TroupeError } from "../../errors.ts";
import { missingExport, type Resolution, resolveReference } from "../../graph/index.ts";
import { type Bundle, type Environment, refId } from "../../model.ts";
import { newestCompatibilityDate } from "../../runtime/index.ts";
import type { GraphSpec, RuntimeWorker } from "../../runtime/types.ts";
import type { Store, StoredFile } from "../../store/index.ts";
import type { Deployed, DeployedWorkspace } from "./deployed.ts";

export interface SpecOptions {
  /** Folder for the files that bindings read (assets, certificates). */
  filesDir: string;
  persistTo?: string;
  /** Worker ids that have a socket of their own. */
  reachable: ReadonlySet<string>;
}

/** What a worker is made of, beyond the model. */
export interface Parts {
  bundle(deployed: Deployed): Bundle;
  /** Name → value. */
  secrets(deployed: Deployed): Record<string, string>;
  file(deployed: Deployed, file: StoredFile): Uint8Array;
}

/**
 * @param ids worker ids (`Deployed.id`) of everything that is to run in one process
 * @throws TroupeError STORE when a blob is damaged or the secrets cannot be opened
 */
export async function deployedSpec(
  store: Store,
  workspace: DeployedWorkspace,
  ids: readonly string[],
  options: SpecOptions,
): Promise<GraphSpec> {
  const runtime = newestCompatibilityDate();
  const members = [...workspace.deployed.values()].filter(({ id }) => ids.includes(id));
  const spec = await specOf(workspace, ids, options, {
    bundle: ({ version }) => store.loadBundle(version),
    secrets: ({ version }) => store.openSecrets(version.secrets),
    file: (_deployed, file) => store.loadFile(file),
  });
  return { ...spec, proved: members.every(({ summary }) => summary.startedOn === runtime) };
}

/**
 * The same for environments whose parts lie anywhere: those of a trial are not stored yet.
 * @throws what `parts` throws
 */
export async function specOf(
  workspace: DeployedWorkspace,
  ids: readonly string[],
  { filesDir, persistTo, reachable }: SpecOptions,
  parts: Parts,
): Promise<GraphSpec> {
  const running = new Map([...workspace.deployed.values()].map((each) => [each.id, each]));
  refuseMeeting(ids.map((id) => running.get(id)!));
  const workers = ids.map(async (id): Promise<RuntimeWorker> => {
    const deployed = running.get(id)!;
    const { version, environment } = deployed;
    const dir = await writeFiles(filesDir, version.files, (file) => parts.file(deployed, file));
    return {
      id,
      environment: dir === undefined ? environment : { ...environment, dir },
      objects: deployed.objects,
      bundle: parts.bundle(deployed),
      secrets: parts.secrets(deployed),
      reachable: reachable.has(id),
      version: { id: String(version.number), tag: version.tag ?? "", timestamp: version.createdAt.toISOString() },
      resolve: (reference) => resolveDeployed(workspace, environment, reference),
    };
  });
  return { workers: await Promise.all(workers), ...(persistTo !== undefined && { persistTo }) };
}

/** Every change that would lead to it is refused; should one have slipped through, no object's data may suffer. */
function refuseMeeting(members: readonly Deployed[]): void {
  const seen = new Map<string, Deployed>();
  for (const each of members) {
    const other = seen.get(each.objects);
    seen.set(each.objects, each);
    if (!other) continue;
    const both = `${refId(other.ref)} and ${refId(each.ref)}`;
    throw new TroupeError("PRECONDITION", `${both} have the same Durable Objects, and cannot run in one process`, {
      notes: ["One is a copy of the other (`env clone --data copy`): take away what brings them together"],
    });
  }
}

function resolveDeployed(workspace: DeployedWorkspace, from: Environment, reference: Reference): ResolvedReference {
  const resolution = resolveReference(workspace, from, reference);
  const { ref, reason } = resolution;
  const target = workspace.deployed.get(refId(ref));
  const missing = missingIn(resolution, reference, target);
  if (target && missing === undefined) {
    return { ref, reason, worker: target.id, environment: target.environment, objects: target.objects };
  }
  const standIn = `troupe:missing:${refId(ref)}${reference.exportName ? `#${reference.exportName}` : ""}`;
  return { ref, reason, worker: standIn, missing: missing ?? `${refId(ref)} is not deployed` };
}

/** The sentence for a reference of a deployed environment that leads nowhere. */
export function missingIn(
  resolution: Resolution,
  reference: Reference,
  target: Deployed | undefined,
): string | undefined {
  if (!target) {
    const { service } = resolution.ref;
    return resolution.reason === "not in this workspace"
      ? `Service "${service}" is not deployed: run \`troupe deploy\` for it, or correct the name.`
      : resolution.missing;
  }
  return missingExport(resolution, reference, target.version.bundle);
}

/**
 * Writes the files of a version below a folder named after their contents, once. Paths may lead upwards out of the
 * config's folder, so that folder lies as deep as they need.
 * @returns the folder that stands for the config's own; undefined without files
 */
export async function writeFiles(
  filesDir: string,
  files: readonly StoredFile[],
  read: (file: StoredFile) => Uint8Array,
): Promise<string | undefined> {
  if (files.length === 0) return undefined;
  const key = createHash("sha256")
    .update(JSON.stringify(files.map(({ path: name, fingerprint }) => [name, fingerprint])))
    .digest("hex")
    .slice(0, 24);
  const depth = Math.max(...files.map(({ path: name }) => name.split("/").filter((part) => part === "..").length));
  const folder = path.join(filesDir, key);
  const inside = (root: string) => path.join(root, ...Array.from({ length: depth }, () => "up"));
  if (existsSync(folder)) return inside(folder);
  const draft = `${folder}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await mkdir(inside(draft), { recursive: true, mode: 0o700 });
  for (const file of files) {
    const target = path.resolve(inside(draft), file.path);
    if (!target.startsWith(draft + path.sep)) throw new Error(`a stored file leads out of its folder: ${file.path}`);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, read(file), { mode: file.sealed ? 0o600 : 0o644 });
  }
  // Whole under another name first: of two processes that do the same, one wins.
  await rename(draft, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    return rm(draft, { recursive: true });
  });
  return inside(folder);
}
