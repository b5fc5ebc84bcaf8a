/** What is wanted of Workers by the verbs that move what is deployed already: promote, clone, rollback, settings, secrets. */
import { mentions, type StoredConfig, storedConfig } from "../../config/index.ts";
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, refId, type Workspace } from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import {
  freeEdition,
  lacks,
  noSuchEnvironment,
  refuseExistingClone,
  refuseLacking,
  refuseSame,
  writtenBase,
} from "../promotion.ts";
import type { CloneRequest, NewEnvironment, PromoteRequest, SecretChange, SettingsChange } from "../target.ts";
import { readVersion } from "./annotations.ts";
import { liveVersions, type NetVersion } from "./network.ts";
import type { Wanted } from "./plan.ts";
import type { VersionRecord } from "./record.ts";
import { type Content, deployedVersions, isDraft, type Shelf, type Stored } from "./shelf.ts";
import { resolveFor, type Source, sourceOf, sourcesOf } from "./sources.ts";

/** What an environment is made with, when it starts from another of its service. */
export async function newSettings(
  shelf: Shelf,
  ref: EnvironmentRef,
  { base }: NewEnvironment = {},
): Promise<EnvironmentSettings> {
  const edition = await editionFor(shelf, ref);
  return { edition, ...(base !== undefined && { base: await baseName(shelf, { ...ref, environment: base }) }) };
}

async function baseName(shelf: Shelf, ref: EnvironmentRef): Promise<string> {
  const stored = await shelf.find(ref);
  const active = stored && (await shelf.active(stored));
  if (!stored || !active) return ref.environment;
  const [settings, { record }] = await Promise.all([shelf.settings(stored), shelf.content(stored, active)]);
  const service = shelf.written(ref.service);
  return writtenBase(ref, settings, record?.config ?? (service && storedConfig(service)));
}

async function editionFor(shelf: Shelf, { service, environment }: EnvironmentRef): Promise<string> {
  const others = (await shelf.of(service)).filter(({ ref }) => ref.environment !== environment);
  const settings = await Promise.all(others.map((stored) => shelf.settings(stored)));
  return freeEdition(environment, new Set(settings.map(({ edition }) => edition)));
}

/** What is kept with a version of these parts. */
export function recordFor(
  ref: EnvironmentRef,
  parts: Pick<VersionRecord, "environment" | "config" | "settings"> & { bundle: Content["bundle"] },
): VersionRecord {
  const { environment, config, settings, bundle } = parts;
  const modules = bundle.modules.map(({ name, type }) => ({ name, type }));
  return { format: 1, ref, environment, config, settings, exports: bundle.exports, modules };
}

interface Moved {
  action: Wanted["action"];
  environment: Environment;
  config: StoredConfig;
  settings: EnvironmentSettings;
  secrets?: Readonly<Record<string, string>>;
}

function movedFrom({ stored, version, content }: Source, ref: EnvironmentRef, moved: Moved): Wanted {
  const { bundle, record } = content;
  const { action, environment, config, settings, secrets = {} } = moved;
  return {
    ref,
    environment,
    bundle,
    record: recordFor(ref, { environment, config, settings, bundle }),
    action,
    secrets,
    ...(record?.assets && {
      assetsOf: { manifest: record.assets, ...(record.assetRules && { rules: record.assetRules }) },
    }),
    ...(refId(stored.ref) !== refId(ref) && { from: `${refId(stored.ref)}#${version.number}` }),
  };
}

/** @throws TroupeError NOT_FOUND, CONFIG; PRECONDITION naming each secret and binding that the target lacks */
export async function promotionWanted(
  shelf: Shelf,
  request: PromoteRequest,
  workspace: Workspace | undefined,
): Promise<Wanted[]> {
  refuseSame(request);
  const wanted: Wanted[] = [];
  const lacking: string[] = [];
  for (const source of await sourcesOf(shelf, request, workspace)) {
    const ref = { service: source.stored.ref.service, environment: request.to };
    const { config } = source;
    const stored = await shelf.find(ref);
    if (!stored && !mentions(config, request.to)) {
      const known = (await shelf.of(ref.service)).map((each) => each.ref.environment);
      throw noSuchEnvironment(ref, known, config);
    }
    const settings = stored ? await shelf.settings(stored) : await newSettings(shelf, ref);
    const environment = await resolveFor(shelf, ref, config, settings);
    const secrets = stored ? (await shelf.state(stored)).secrets : [];
    lacking.push(...lacks(source, { environment, secrets }).map((what) => `${what} (${refId(ref)})`));
    wanted.push(movedFrom(source, ref, { action: "promote", environment, config, settings }));
  }
  refuseLacking(lacking, request);
  return wanted;
}

/** @throws TroupeError NOT_FOUND, CONFIG; CONFLICT when one exists; PRECONDITION naming the secrets that have no value */
export async function cloneWanted(
  shelf: Shelf,
  request: CloneRequest,
  workspace: Workspace | undefined,
): Promise<Wanted[]> {
  const { from, to, data } = request;
  if (data === "copy") {
    throw new TroupeError("PRECONDITION", "Data of resources on Cloudflare is not copied", {
      notes: ["--data fresh gives the clone empty ones, --data share those of the first; nothing was changed"],
    });
  }
  const wanted: Wanted[] = [];
  const unset: string[] = [];
  for (const source of await sourcesOf(shelf, request, workspace)) {
    const ref = { service: source.stored.ref.service, environment: to };
    if (await shelf.find(ref)) throw refuseExistingClone(ref, from);
    const settings: EnvironmentSettings = {
      edition: await editionFor(shelf, ref),
      base: writtenBase(source.stored.ref, source.settings, source.config),
      ...(source.settings.overlay && { overlay: source.settings.overlay }),
      ...(data === "share" && { share: from }),
    };
    const environment = { ...(await resolveFor(shelf, ref, source.config, settings)), protected: false };
    const given = request.secrets ?? {};
    unset.push(
      ...source.secrets.filter((name) => !Object.hasOwn(given, name)).map((name) => `${name} (${refId(ref)})`),
    );
    const { config } = source;
    const secrets = Object.fromEntries(source.secrets.map((name) => [name, given[name]!]));
    wanted.push(movedFrom(source, ref, { action: "clone", environment, config, settings, secrets }));
  }
  if (unset.length === 0) return wanted;
  throw new TroupeError("PRECONDITION", `Cloudflare never tells the values of secrets: ${unset.join(", ")}`, {
    notes: [
      `Give them in a file: troupe env clone ${from} ${to} --secrets-file FILE (JSON, or lines of NAME=value)`,
      "Nothing was changed",
    ],
  });
}

/** @param number left out: the version that was active before this one. @throws TroupeError NOT_FOUND, PRECONDITION */
export async function rollbackWanted(shelf: Shelf, ref: EnvironmentRef, number: number | undefined): Promise<Wanted> {
  const stored = await shelf.need(ref);
  const existing = await shelf.version(stored, number ?? (await previousVersion(shelf, stored)));
  const { bundle, record } = await shelf.content(stored, existing);
  const { foreignEnvironment } = await import("./foreign.ts");
  const whole = await shelf.network.version(stored.script.id, existing.id);
  const environment = record
    ? { ...record.environment, name: ref.environment, scriptName: stored.script.id }
    : foreignEnvironment(ref, stored.script, whole);
  const config = record?.config ?? { service: ref.service, dialect: environment.dialect, configPath: "", source: {} };
  const settings = await shelf.settings(stored);
  // Of what somebody else has made, the network may not tell it.
  const told = whole.resources?.script_runtime?.migration_tag ?? stored.script.migration_tag ?? undefined;
  refuseOtherClasses(stored, existing, record ? record.environment.migrations.at(-1)?.tag : told);
  return {
    ref,
    environment,
    bundle,
    record: {
      ...recordFor(ref, { environment, config, settings, bundle }),
      ...(record?.assets && { assets: record.assets }),
    },
    action: "rollback",
    secrets: {},
    existing,
    ...(!record && { keepTriggers: true }),
  };
}

/**
 * https://developers.cloudflare.com/workers/configuration/versions-and-deployments/rollbacks/#limits
 * @param tag of the last migration when the version was made
 * @throws TroupeError PRECONDITION when there was another one since
 */
function refuseOtherClasses(
  { ref, script }: Stored,
  { number, annotations }: NetVersion,
  tag: string | undefined,
): void {
  const now = script.migration_tag ?? undefined;
  if (now === undefined || tag === now) return;
  const commit = readVersion(annotations).git?.commit;
  throw new TroupeError(
    "PRECONDITION",
    `${refId(ref)}: version ${number} was made before the migration "${now}" of its Durable Objects, and Cloudflare takes it no more`,
    {
      notes: [
        `Deploy its code${commit === undefined ? "" : ` (commit ${commit.slice(0, 10)})`} with the migrations of today: troupe deploy --target cloudflare`,
        "Nothing was changed",
      ],
    },
  );
}

async function previousVersion(shelf: Shelf, stored: Stored): Promise<number> {
  const [active, state] = await Promise.all([shelf.needActive(stored), shelf.state(stored)]);
  // Of versions that share the traffic, the older one was there before.
  const [oldest, ...newer] = liveVersions(state);
  if (oldest && newer.length > 0) return oldest.version.number;
  const live = new Set(deployedVersions(state).map(({ id }) => id));
  for (const { versions } of state.deployments) {
    for (const { version_id } of versions) {
      const found = state.versions.find(({ id }) => id === version_id);
      if (found && found !== active && found.id !== active.id && live.has(found.id) && !isDraft(found))
        return found.number;
    }
  }
  throw new TroupeError("PRECONDITION", `${refId(stored.ref)} has no earlier version to go back to`, {
    notes: ["See `troupe versions list --target cloudflare`"],
  });
}

/** The active version is made anew, but which one would that be? @throws TroupeError PRECONDITION during a rollout */
async function refuseDuringRollout(shelf: Shelf, ref: EnvironmentRef): Promise<void> {
  const live = liveVersions(await shelf.state(await shelf.need(ref)));
  if (live.length < 2) return;
  const versions = live.map(({ version, percentage }) => `version ${version.number} (${percentage} %)`).join(" and ");
  throw new TroupeError("PRECONDITION", `${refId(ref)} shares its traffic between ${versions}`, {
    notes: [
      `End the rollout first: troupe rollout complete (or abort) --target cloudflare --service ${ref.service} --env ${ref.environment}`,
      "Nothing was changed",
    ],
  });
}

/** @throws TroupeError NOT_FOUND, CONFIG, PRECONDITION */
export async function settingsWanted(
  shelf: Shelf,
  { ref, settings: overlay }: SettingsChange,
  workspace: Workspace | undefined,
): Promise<Wanted> {
  await refuseDuringRollout(shelf, ref);
  const source = await sourceOf(shelf, ref, workspace);
  const { overlay: _, ...others } = source.settings;
  const settings = { ...others, ...(Object.keys(overlay).length > 0 && { overlay }) };
  const { config } = source;
  const environment = await resolveFor(shelf, ref, config, settings);
  return movedFrom(source, ref, { action: "settings", environment, config, settings });
}

/** For an environment that was deployed. @throws TroupeError NOT_FOUND, PRECONDITION */
export async function secretsWanted(
  shelf: Shelf,
  { ref, put = {}, remove = [] }: SecretChange,
  workspace: Workspace | undefined,
): Promise<Wanted> {
  await refuseDuringRollout(shelf, ref);
  const source = await sourceOf(shelf, ref, workspace);
  const unknown = remove.filter((name) => !source.secrets.includes(name));
  if (unknown.length > 0) throw noSecrets(ref, unknown);
  const { config, settings, stored } = source;
  const environment = { ...source.environment, name: ref.environment, scriptName: stored.script.id };
  const moved = movedFrom(source, ref, { action: "secret", environment, config, settings, secrets: put });
  return { ...moved, ...(remove.length > 0 && { withoutSecrets: remove }) };
}

/** For secrets that are to be deleted and that there are not. */
export function noSecrets(ref: EnvironmentRef, names: readonly string[]): TroupeError {
  return new TroupeError("NOT_FOUND", `${refId(ref)} has no secret ${names.join(", ")}`, {
    notes: ["See `troupe secret list`"],
  });
}
