/** A change that is about to be made to one environment, complete enough to be checked and started before it is stored. */
import { kindOf } from "../../bindings/index.ts";
import type { StoredConfig } from "../../config/index.ts";
import { hostLabel } from "../../host/hostname.ts";
import { type Bundle, type Environment, type EnvironmentRef, isPrivate } from "../../model.ts";
import { hashOf } from "../../store/blobs.ts";
import type {
  Action,
  EnvironmentRecord,
  EnvironmentSettings,
  Store,
  StoredFile,
  VersionDetail,
  VersionSummary,
} from "../../store/index.ts";
import type { Content } from "../diff.ts";
import { Deployed } from "./deployed.ts";

/** A file as it is on disk now. */
export interface FreshFile {
  path: string;
  contents: Uint8Array;
  sealed: boolean;
}

export interface Draft {
  ref: EnvironmentRef;
  action: Action;
  /** What it is made from, for a promote or clone. */
  origin?: EnvironmentRef & { version: number };
  /** For an environment that is created with it, or whose settings change. */
  settings?: EnvironmentSettings;
  /** A version that is there already, to be made the active one. */
  existing?: VersionDetail;
  /** Or a new one. */
  fresh?: {
    environment: Environment;
    config: StoredConfig;
    /** New code, or that of a stored version. */
    code: Bundle | VersionDetail;
    files: (FreshFile | StoredFile)[];
  };
  secrets?: {
    put?: Readonly<Record<string, string>>;
    remove?: readonly string[];
    /** Takes over all of another environment's. */
    copyFrom?: EnvironmentRecord;
    /** Exactly those of `existing`. */
    restore?: boolean;
  };
}

/** A draft seen as if it were deployed already. */
export interface Preview {
  draft: Draft;
  deployed: Deployed;
  /** What is active now. */
  previous?: VersionDetail;
  content: Content;
  /** Values that are not in the store yet. */
  newSecrets: Readonly<Record<string, string>>;
}

/** Code that was just built, or that of a version. */
export function isBundle(code: Bundle | VersionDetail): code is Bundle {
  return "modules" in code;
}

/** The secrets that an environment will have, as revisions in the store (those yet to be put are left out). */
export function secretRevisions(store: Store, record: EnvironmentRecord | undefined, draft: Draft) {
  const { secrets = {} } = draft;
  if (secrets.restore) return { ...draft.existing!.secrets };
  const from = secrets.copyFrom ?? record;
  const current = from ? store.secrets(from) : [];
  const gone = new Set([...(secrets.remove ?? []), ...Object.keys(secrets.put ?? {})]);
  return Object.fromEntries(
    current.filter(({ name }) => !gone.has(name)).map(({ name, revision }) => [name, revision]),
  );
}

/** @throws TroupeError STORE when the secrets cannot be read */
export function preview(store: Store, draft: Draft, now: Date): Preview {
  const found = store.findEnvironment(draft.ref);
  const previous = found?.activeVersionId === undefined ? undefined : store.versionById(found.activeVersionId);
  const record: EnvironmentRecord = {
    ...(found ?? {
      id: 0,
      ...draft.ref,
      label: hostLabel(draft.ref),
      protected: false,
      nextVersion: 1,
      createdAt: now,
    }),
    settings: draft.settings ?? found?.settings ?? { edition: draft.ref.environment },
  };
  const newSecrets = draft.secrets?.put ?? {};
  const revisions = secretRevisions(store, found, draft);
  const secrets = {
    ...store.secretFingerprints(revisions),
    ...Object.fromEntries(Object.entries(newSecrets).map(([name, value]) => [name, store.fingerprint(name, value)])),
  };
  const version = draft.existing
    ? { ...draft.existing, secrets: revisions }
    : draftVersion(store, draft, revisions, now);
  return {
    draft,
    deployed: new Deployed({ ...record, summary: version.summary }, () => version),
    ...(previous && { previous }),
    content: contentOf(version, secrets),
    newSecrets,
  };
}

/** What is kept apart of an environment, to be asked of all of them. */
export function summaryOf(environment: Environment): VersionSummary {
  const references = environment.bindings.flatMap((binding) =>
    (kindOf(binding).references?.(binding) ?? []).flatMap(({ service, environment: written }) =>
      service === undefined ? [] : [{ service, ...(written !== undefined && { environment: written }) }],
    ),
  );
  return {
    private: isPrivate(environment),
    references,
    claims: environment.bindings.flatMap((binding) => kindOf(binding).claims?.(binding)?.id ?? []),
    routes: environment.routes.map(({ pattern }) => pattern),
    ...(environment.copyOf !== undefined && { copyOf: environment.copyOf }),
  };
}

/** What a version's content is, for comparing. */
export function contentOf(version: VersionDetail, secrets: Record<string, string>): Content {
  return {
    environment: version.environment,
    modules: version.bundle.modules
      .filter(({ type }) => type !== "sourcemap")
      .map(({ name, blob }) => ({ name, hash: blob })),
    secrets,
    files: version.files,
  };
}

function draftVersion(store: Store, draft: Draft, secrets: Record<string, number>, now: Date): VersionDetail {
  const { environment, config, code, files } = draft.fresh!;
  return {
    id: 0,
    ref: draft.ref,
    number: 0,
    active: false,
    source: draft.action,
    contentHash: code.contentHash,
    fingerprint: "",
    size: code.size,
    createdAt: now,
    bundle: isBundle(code)
      ? {
          format: code.format,
          mainModule: code.mainModule,
          exports: code.exports,
          modules: code.modules.map(({ name, type, contents }) => ({ name, type, blob: hashOf(contents) })),
        }
      : code.bundle,
    environment,
    sourceConfig: config,
    secrets,
    files: files.map((file) => ("contents" in file ? draftFile(store, file) : file)),
    summary: summaryOf(environment),
  };
}

function draftFile(store: Store, { path, contents, sealed }: FreshFile): StoredFile {
  if (!sealed) {
    const blob = hashOf(contents);
    return { path, blob, fingerprint: blob.slice(0, 16) };
  }
  const fingerprint = store.fingerprint(path, Buffer.from(contents).toString("base64"));
  return { path, blob: "", sealed: true, fingerprint };
}
