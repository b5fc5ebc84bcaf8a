/** What is different between a version on the network and one that is about to be, in a few words each. */
import type { Environment } from "../../model.ts";
import { readVersion } from "./annotations.ts";
import { stable } from "./metadata.ts";
import type { NetVersion, Network } from "./network.ts";

export interface Comparable {
  environment: Environment;
  bundle: { contentHash: string };
  secrets: Readonly<Record<string, string>>;
  withoutSecrets?: readonly string[];
  metadata(): Record<string, unknown>;
}

type Entry = Record<string, unknown> & { name: string; type: string };

const VARS: readonly string[] = ["plain_text", "json"];
const SECRETS: readonly string[] = ["secret_text", "secret_key", "inherit"];

/** @returns "code", "var GREETING", "binding CACHE", "secret TOKEN", "setting compatibility_date" */
export async function changesBetween(network: Network, next: Comparable, active: NetVersion): Promise<string[]> {
  const before = await network.version(next.environment.scriptName, active.id);
  const metadata = next.metadata();
  const names = new Set<string>();
  if (readVersion(active.annotations).contentHash !== next.bundle.contentHash) names.add("code");
  const old = byName(before.resources?.bindings as Entry[] | undefined);
  const now = byName(metadata.bindings as Entry[] | undefined);
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [from, to] = [old.get(name), now.get(name)];
    if (from && to && stable(from) === stable({ ...from, ...to })) continue;
    names.add(`${VARS.includes((to ?? from)!.type) ? "var" : "binding"} ${name}`);
  }
  for (const name of [...Object.keys(next.secrets), ...(next.withoutSecrets ?? [])].sort()) names.add(`secret ${name}`);
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
