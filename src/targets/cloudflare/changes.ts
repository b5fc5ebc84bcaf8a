/** What is different between a version on the network and one that is about to be, in a few words each. */
import type { Environment } from "../../model.ts";
import { differences, shortly } from "../diff.ts";
import { readVersion } from "./annotations.ts";
import type { Manifest } from "./assets.ts";
import { stable } from "./metadata.ts";
import type { NetVersion, Network } from "./network.ts";
import type { VersionRecord } from "./record.ts";

export interface Comparable {
  environment: Environment;
  bundle: { contentHash: string };
  record: VersionRecord;
  secrets: Readonly<Record<string, string>>;
  withoutSecrets?: readonly string[];
  metadata(): Record<string, unknown>;
}

type Entry = Record<string, unknown> & { name: string; type: string };

const VARS: readonly string[] = ["plain_text", "json"];
const SECRETS: readonly string[] = ["secret_text", "secret_key", "inherit"];

/** @returns "code", "var GREETING", "binding CACHE", "trigger cron 0 * * * *", "secret TOKEN", "setting limits", "file /a.txt" */
export function changesSince(before: VersionRecord, next: Comparable, active: NetVersion): string[] {
  const content = ({ environment, assets }: VersionRecord) => {
    return { environment, modules: [], secrets: {}, files: filesOf(assets) };
  };
  const found = shortly(differences(content(before), content({ ...next.record, environment: next.environment })));
  return [...(isSameCode(next, active) ? [] : ["code"]), ...found, ...secretsOf(next)];
}

function filesOf(assets: Manifest = {}): { path: string; fingerprint: string }[] {
  return Object.entries(assets).map(([path, { hash }]) => ({ path, fingerprint: hash }));
}

function isSameCode({ bundle }: Comparable, { annotations }: NetVersion): boolean {
  return readVersion(annotations).contentHash === bundle.contentHash;
}

function secretsOf({ secrets, withoutSecrets = [] }: Comparable): string[] {
  return [...Object.keys(secrets), ...withoutSecrets].sort().map((name) => `secret ${name}`);
}

/** As far as the network tells what a version was made of, which somebody else has made. */
export async function changesBetween(network: Network, next: Comparable, active: NetVersion): Promise<string[]> {
  const before = await network.version(next.environment.scriptName, active.id);
  const metadata = next.metadata();
  const names = new Set<string>();
  if (!isSameCode(next, active)) names.add("code");
  const old = byName(before.resources?.bindings as Entry[] | undefined);
  const now = byName(metadata.bindings as Entry[] | undefined);
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [from, to] = [old.get(name), now.get(name)];
    if (from && to && stable(from) === stable({ ...from, ...to })) continue;
    names.add(`${VARS.includes((to ?? from)!.type) ? "var" : "binding"} ${name}`);
  }
  for (const secret of secretsOf(next)) names.add(secret);
  const runtime = before.resources?.script_runtime;
  if (next.environment.written.compatibility_date && runtime?.compatibility_date !== metadata.compatibility_date) {
    names.add("setting compatibility_date");
  }
  if (
    stable([...(runtime?.compatibility_flags ?? [])].sort()) !== stable([...next.environment.compatibilityFlags].sort())
  ) {
    names.add("setting compatibility_flags");
  }
  return [...names];
}

function byName(bindings: readonly Entry[] = []): Map<string, Entry> {
  return new Map(bindings.filter(({ type }) => !SECRETS.includes(type)).map((binding) => [binding.name, binding]));
}
