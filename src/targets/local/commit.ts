/** Writes a planned change that has been started on trial: inside the caller's transaction. */
import { randomUUID } from "node:crypto";
import { outgoing } from "../../graph/index.ts";
import { refId } from "../../model.ts";
import { newestCompatibilityDate } from "../../runtime/index.ts";
import type { EnvironmentRecord, Provenance, Store, StoredBundle, StoredFile } from "../../store/index.ts";
import { fingerprintOf } from "../diff.ts";
import type { DeployedWorkspace } from "./deployed.ts";
import { type Draft, isBundle, type Preview, secretRevisions, summaryOf } from "./draft.ts";
import type { Plan } from "./plan.ts";

/** @returns the number of the version that is active now, by `service@environment`, of everything that was changed */
export function commit(store: Store, { previews, changed, after }: Plan, provenance: Provenance): Map<string, number> {
  const operation = randomUUID();
  for (const { draft } of previews.filter((each) => !changed.includes(each))) {
    const record = store.findEnvironment(draft.ref);
    if (record && draft.settings) store.setSettings(record, draft.settings);
  }
  const written = changed.map((each) => ({ each, ...write(store, each, provenance) }));
  const numbers = new Map(written.map(({ each, number }) => [refId(each.deployed.ref), number]));
  for (const { each, record, id } of written) {
    const { action, origin } = each.draft;
    store.activate(record, id, {
      operation,
      action,
      ...(origin && { origin }),
      message: provenance.message,
      author: provenance.author,
      bound: boundVersions(after, each, numbers),
    });
  }
  return numbers;
}

function write(store: Store, { draft, deployed, content }: Preview, provenance: Provenance) {
  const found = store.findEnvironment(draft.ref);
  const record = found ?? store.createEnvironment(draft.ref, deployed.label, deployed.record.settings);
  if (found && draft.settings) store.setSettings(record, draft.settings);
  if (deployed.environment.protected && !record.protected) store.setProtected(record, true);
  const secrets = writeSecrets(store, record, draft);
  if (draft.existing) return { record, id: draft.existing.id, number: draft.existing.number };
  const { environment, config, code, files } = draft.fresh!;
  const bundle: StoredBundle = isBundle(code) ? store.storeBundle(code) : code.bundle;
  const stored = files.map(
    (file): StoredFile => ("contents" in file ? store.storeFile(file.path, file.contents, file.sealed) : file),
  );
  const { id, number } = store.addVersion(record, {
    // Code that was moved here is still of the commit it was built from.
    ...(!isBundle(code) && code.git && { git: code.git }),
    ...provenance,
    bundle,
    contentHash: code.contentHash,
    fingerprint: fingerprintOf(content),
    size: code.size,
    environment,
    sourceConfig: config,
    secrets,
    files: stored,
    summary: { ...summaryOf(environment), startedOn: newestCompatibilityDate() },
    source: draft.action,
  });
  return { record, id, number };
}

/** @returns name → revision, of all the environment has now */
function writeSecrets(store: Store, record: EnvironmentRecord, draft: Draft): Record<string, number> {
  const { secrets = {} } = draft;
  if (secrets.restore) {
    store.restoreSecrets(record, draft.existing!.secrets);
    return draft.existing!.secrets;
  }
  if (secrets.copyFrom) store.copySecrets(secrets.copyFrom, record);
  for (const name of secrets.remove ?? []) store.removeSecret(record, name);
  for (const [name, value] of Object.entries(secrets.put ?? {})) store.putSecret(record, name, value);
  return secretRevisions(store, record, { ref: draft.ref, action: draft.action });
}

/** The versions of everything it binds, as they are after the change. */
function boundVersions(
  after: DeployedWorkspace,
  { deployed }: Preview,
  numbers: ReadonlyMap<string, number>,
): Record<string, number> {
  const own = refId(deployed.ref);
  const bound = outgoing(after, deployed.environment).flatMap(({ resolution }) => {
    const id = refId(resolution.ref);
    const number = numbers.get(id) ?? after.deployed.get(id)?.record.activeVersion;
    return id === own || number === undefined ? [] : [[id, number] as const];
  });
  return Object.fromEntries(bound);
}
