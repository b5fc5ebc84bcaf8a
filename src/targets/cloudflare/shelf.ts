/** What an account has deployed, as environments of services: read when it is asked for, once a command. */
import { assembleBundle } from "../../bundle/hash.ts";
import { TroupeError } from "../../errors.ts";
import { didYouMean } from "../../lib/did-you-mean.ts";
import {
  type Bundle,
  type EnvironmentRef,
  type Module,
  PRODUCTION,
  refId,
  type Service,
  type Workspace,
} from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import { readDeployment, readVersion } from "./annotations.ts";
import { type Brief, readBrief } from "./brief.ts";
import { typeOf } from "./form.ts";
import { mainVersion, type NetVersion, type Network, type Script, type ScriptState } from "./network.ts";
import { RECORD, readRecord, type VersionRecord } from "./record.ts";

/** An environment that the account has. */
export interface Stored {
  ref: EnvironmentRef;
  script: Script;
}

/** The code of a version, and what troupe kept with it. */
export interface Content {
  bundle: Bundle;
  /** Absent: somebody else deployed it, it is in service-worker syntax, or it has no code. */
  record?: VersionRecord;
  /** In its place, where there was no room for it. */
  brief?: Brief;
}

/** The tag of a Worker that accepts promotions only. */
export const PROTECTED = "troupe:protected";

/** How the API tells a version with its code. https://developers.cloudflare.com/api/resources/workers/subresources/beta/ */
interface VersionWithModules {
  main_module?: string;
  modules?: { name: string; content_type: string; content_base64: string }[];
}

export interface ShelfOptions {
  /** Says which services there are, and where their folders lie. */
  workspace?: Workspace;
  /** Where paths start from when the workspace does not have the service. */
  cwd: string;
  /** A bundle that this machine has kept: it need not be trusted to be unchanged, since its hash is its name. */
  localBundle?(contentHash: string): Bundle | undefined;
}

/** Reads an account as environments with versions; nothing is asked twice until `forget`. */
export class Shelf {
  readonly network: Network;
  readonly #options: ShelfOptions;
  #stored: Promise<ReadonlyMap<string, Stored>> | undefined;
  readonly #states = new Map<string, Promise<ScriptState>>();
  readonly #contents = new Map<string, Promise<Content>>();

  constructor(network: Network, options: ShelfOptions) {
    this.network = network;
    this.#options = options;
  }

  /** By `service@environment`. */
  all(): Promise<ReadonlyMap<string, Stored>> {
    this.#stored ??= this.network.scripts().then((scripts) => {
      const stored = new Map<string, Stored>();
      // What the config calls so is it, whatever else is tagged alike.
      const named = [...scripts.values()].map((script) => ({ script, ...refOf(script, this.#options.workspace) }));
      for (const { script, ref, sure } of named.sort((a, b) => Number(b.sure) - Number(a.sure))) {
        const free = sure || !stored.has(refId(ref));
        const own = free ? ref : { service: script.id, environment: PRODUCTION };
        if (!stored.has(refId(own))) stored.set(refId(own), { ref: own, script });
      }
      return stored;
    });
    return this.#stored;
  }

  async find(ref: EnvironmentRef): Promise<Stored | undefined> {
    return (await this.all()).get(refId(ref));
  }

  /** Those of one service. */
  async of(service: string): Promise<Stored[]> {
    return [...(await this.all()).values()].filter(({ ref }) => ref.service === service);
  }

  /** @throws TroupeError NOT_FOUND */
  async need(ref: EnvironmentRef): Promise<Stored> {
    const found = await this.find(ref);
    if (found) return found;
    const known = (await this.of(ref.service)).map((each) => each.ref.environment);
    const guess = didYouMean(ref.environment, known);
    throw new TroupeError("NOT_FOUND", `There is no environment ${refId(ref)} on Cloudflare`, {
      notes: [
        ...(guess ? [`did you mean "${guess}"?`] : []),
        known.length > 0
          ? `${ref.service} has: ${known.join(", ")}`
          : `The account has no Worker of a service "${ref.service}": see \`troupe env list --target cloudflare\``,
      ],
    });
  }

  state({ script }: Stored): Promise<ScriptState> {
    return remembered(this.#states, script.id, () => this.network.state(script));
  }

  /** The version that most people get; undefined when nothing was deployed yet. */
  async active(stored: Stored): Promise<NetVersion | undefined> {
    const version = mainVersion(await this.state(stored));
    return version && isDraft(version) ? undefined : version;
  }

  /** @throws TroupeError NOT_FOUND when nothing was deployed yet */
  async needActive(stored: Stored): Promise<NetVersion> {
    const version = await this.active(stored);
    if (version) return version;
    throw new TroupeError("NOT_FOUND", `Nothing was deployed to ${refId(stored.ref)} yet`, {
      notes: [`Deploy to it, or promote another environment: troupe env promote <from> ${stored.ref.environment}`],
    });
  }

  /** @param number left out: the active one. @throws TroupeError NOT_FOUND */
  async version(stored: Stored, number?: number): Promise<NetVersion> {
    if (number === undefined) return this.needActive(stored);
    const { versions } = await this.state(stored);
    const found = versions.find((version) => version.number === number && !isDraft(version));
    if (found) return found;
    throw new TroupeError("NOT_FOUND", `${refId(stored.ref)} has no version ${number}`, {
      notes: ["See `troupe versions list --target cloudflare`"],
    });
  }

  content(stored: Stored, version: NetVersion): Promise<Content> {
    return remembered(this.#contents, version.id, () => this.#download(stored, version));
  }

  async #download({ ref, script }: Stored, { id, annotations }: NetVersion): Promise<Content> {
    const path = `${this.network.base}/workers/workers/${encodeURIComponent(script.id)}/versions/${id}`;
    const [{ main_module, modules = [] }, { resources }] = await Promise.all([
      this.network.api.get<VersionWithModules>(path, { query: { include: "modules" }, about: refId(ref) }),
      this.network.version(script.id, id),
    ]);
    const found = modules.map((module) => ({
      ...module,
      contents: new Uint8Array(Buffer.from(module.content_base64, "base64")),
    }));
    const kept = found.find(({ name }) => name === RECORD);
    const record = kept && readRecord(kept.contents, this.#dirOf(ref.service));
    const { contentHash = "", size = 0, brief: text } = readVersion(annotations);
    const brief = text === undefined ? undefined : readBrief(text);
    const about = { ...(record && { record }), ...(brief && { brief }) };
    const local = contentHash === "" ? undefined : this.#options.localBundle?.(contentHash);
    if (local) return { bundle: local, ...about };
    const code = found.filter(({ name }) => !record || name !== RECORD);
    const written = (name: string) => record?.modules.find((module) => module.name === name)?.type;
    const main = main_module ?? code.find(({ content_type }) => /javascript/.test(content_type))?.name;
    if (main === undefined) return { bundle: { ...nothing(), contentHash, size }, ...about };
    const handlers = resources?.script as { named_handlers?: { name: string }[] } | undefined;
    const bundle = assembleBundle({
      format: main_module === undefined ? "service-worker" : "modules",
      mainModule: main,
      modules: code.map(
        ({ name, content_type, contents }): Module => ({
          name,
          type: written(name) ?? typeOf(content_type) ?? "data",
          contents,
        }),
      ),
      exports: record?.exports ?? ["default", ...(handlers?.named_handlers ?? []).map(({ name }) => name)],
    });
    return { bundle, ...about };
  }

  /** What `env` verbs keep with an environment: in the newest version that really was deployed. */
  async settings(stored: Stored): Promise<EnvironmentSettings> {
    const state = await this.state(stored);
    const ours = deployedVersions(state).find((version) => readVersion(version.annotations).action !== undefined);
    const { record, brief } = ours ? await this.content(stored, ours) : {};
    const settings = (record ?? brief)?.settings;
    const name = record?.ref.environment ?? brief?.name;
    if (!settings || name === undefined) return { edition: stored.ref.environment };
    // It was renamed since; the config may go on calling it by its old name.
    const isRenamed = name !== stored.ref.environment && settings.base === undefined;
    return isRenamed ? { ...settings, writtenAs: settings.writtenAs ?? name } : settings;
  }

  /** Names of the secrets that a version has. */
  secretNames({ script }: Stored, { id }: NetVersion): Promise<string[]> {
    return this.network.secrets(script.id, id);
  }

  /** A service as the workspace has it. */
  written(service: string): Service | undefined {
    return this.#options.workspace?.services.find(({ name }) => name === service);
  }

  /** The folder that paths of a service's config start from, on this machine. */
  #dirOf(service: string): string {
    return this.written(service)?.dir ?? this.#options.cwd;
  }

  /** Reads everything anew from here on. */
  forget(): void {
    this.#stored = undefined;
    this.#states.clear();
  }
}

/** A version that only holds the place of an environment that was made, and not deployed to yet. */
export function isDraft({ annotations }: NetVersion): boolean {
  return readVersion(annotations).action === "create";
}

/** Newest first; not those whose deployment was taken back. */
export function deployedVersions({ versions, deployments }: ScriptState): NetVersion[] {
  const marks = deployments.map((deployment) => ({ ...readDeployment(deployment.annotations), deployment }));
  const undone = new Set(marks.flatMap(({ operation }) => /^undo-(.*)/.exec(operation ?? "")?.[1] ?? []));
  const live = marks
    .filter(({ operation }) => operation === undefined || !undone.has(operation))
    .flatMap(({ deployment }) => deployment.versions.map(({ version_id }) => version_id));
  return versions.filter(({ id }) => live.includes(id));
}

/** Which environment a Worker is: the config says so, else its tags, which Wrangler writes as well, else it is production. */
function refOf(script: Script, workspace: Workspace | undefined): { ref: EnvironmentRef; sure: boolean } {
  const tag = (name: string) =>
    script.tags?.find((each) => each.startsWith(`cf:${name}=`))?.slice(`cf:${name}=`.length);
  const [service, environment] = [tag("service"), tag("environment")];
  if (service !== undefined && environment !== undefined && script.id !== service) {
    return { ref: { service, environment }, sure: script.id === `${service}-${environment}` };
  }
  for (const { name, environments } of workspace?.services ?? []) {
    const written = Object.values(environments).find(({ scriptName }) => scriptName === script.id);
    if (written) return { ref: { service: name, environment: written.name }, sure: true };
  }
  return { ref: { service: service ?? script.id, environment: environment ?? PRODUCTION }, sure: false };
}

function nothing(): Bundle {
  return { format: "modules", mainModule: "", modules: [], exports: [], contentHash: "", size: 0 };
}

/** What fails is not remembered. */
function remembered<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
