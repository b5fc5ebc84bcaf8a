/** What the network has of an account: Workers with their versions and deployments. */
import { TroupeError } from "../../errors.ts";
import { type Annotations, readDeployment } from "./annotations.ts";
import type { Api } from "./client.ts";

/** A Worker, as the list of an account has it. */
export interface Script {
  id: string;
  tags?: string[] | null;
  /** Tag of the last migration of its Durable Objects. */
  migration_tag?: string | null;
  modified_on?: string;
  created_on?: string;
}

export interface NetVersion {
  id: string;
  number: number;
  metadata?: { created_on?: string; author_email?: string; source?: string };
  annotations?: Annotations;
  resources?: {
    bindings?: Record<string, unknown>[];
    script?: { etag?: string; handlers?: string[] };
    script_runtime?: { compatibility_date?: string; compatibility_flags?: string[]; migration_tag?: string };
  };
}

export interface NetDeployment {
  id: string;
  created_on?: string;
  author_email?: string;
  annotations?: Annotations;
  versions: { version_id: string; percentage: number }[];
}

/** Everything about one Worker that a deploy has to know beforehand. */
export interface ScriptState {
  script: Script;
  /** Newest first. */
  versions: NetVersion[];
  deployments: NetDeployment[];
  /** Names of the secrets that the version with the largest share has. */
  secrets: string[];
}

export interface NetWorkflow {
  name?: string;
  script_name: string;
  class_name: string;
  [setting: string]: unknown;
}

/** The API of one account: what is asked for again and again. */
export class Network {
  readonly api: Api;
  readonly accountId: string;
  /** `/accounts/<id>`. */
  readonly base: string;
  #subdomain: Promise<string | null | undefined> | undefined;

  constructor(api: Api, accountId: string) {
    this.api = api;
    this.accountId = accountId;
    this.base = `/accounts/${accountId}`;
  }

  /** `/accounts/<id>/workers/scripts/<name>`. */
  script(name: string): string {
    return `${this.base}/workers/scripts/${encodeURIComponent(name)}`;
  }

  async scripts(): Promise<Map<string, Script>> {
    const all = await this.api.list<Script>(`${this.base}/workers/scripts`);
    return new Map(all.map((script) => [script.id, script]));
  }

  /** Newest first. */
  async versions(name: string): Promise<NetVersion[]> {
    const found: NetVersion[] = [];
    const path = `${this.script(name)}/versions`;
    for (let page = 1; ; page++) {
      const items = (await this.api.get<{ items: NetVersion[] }>(path, { query: { page, per_page: 100 } })).items;
      found.push(...items);
      if (items.length < 100) break;
    }
    return found.sort((a, b) => b.number - a.number);
  }

  version(name: string, id: string): Promise<NetVersion> {
    return this.api.get<NetVersion>(`${this.script(name)}/versions/${id}`);
  }

  /** Newest first. */
  async deployments(name: string): Promise<NetDeployment[]> {
    const { deployments } = await this.api.get<{ deployments: NetDeployment[] }>(`${this.script(name)}/deployments`);
    return deployments;
  }

  /** `/accounts/<id>/workflows/<name>`. */
  workflowPath(name: string): string {
    return `${this.base}/workflows/${encodeURIComponent(name)}`;
  }

  workflow(name: string, about?: string): Promise<NetWorkflow | undefined> {
    return this.api.find<NetWorkflow>(this.workflowPath(name), { ...(about !== undefined && { about }) });
  }

  deleteWorkflow(name: string): Promise<unknown> {
    return this.api.delete(this.workflowPath(name), { about: `Workflow ${name}` });
  }

  /** Names of the secrets that a version has. */
  async secrets(name: string, id: string): Promise<string[]> {
    const { resources } = await this.version(name, id);
    const bindings = (resources?.bindings ?? []) as { type?: string; name?: string }[];
    return bindings.filter(({ type }) => type === "secret_text" || type === "secret_key").map((each) => each.name!);
  }

  async state(script: Script): Promise<ScriptState> {
    const [versions, deployments] = await Promise.all([this.versions(script.id), this.deployments(script.id)]);
    const main = mainVersion({ versions, deployments });
    return { script, versions, deployments, secrets: main ? await this.secrets(script.id, main.id) : [] };
  }

  /** `<name>.workers.dev` of the account; undefined when it has none yet, or the token may not ask. */
  async subdomain(): Promise<string | undefined> {
    return (await this.#askSubdomain()) ?? undefined;
  }

  /** For sure: a token that may not ask does not know. */
  async lacksSubdomain(): Promise<boolean> {
    return (await this.#askSubdomain()) === null;
  }

  #askSubdomain(): Promise<string | null | undefined> {
    this.#subdomain ??= this.api.find<{ subdomain?: string }>(`${this.base}/workers/subdomain`).then(
      (found) => found?.subdomain || null,
      (error) => {
        if (error instanceof TroupeError && error.code === "AUTH") return undefined;
        throw error;
      },
    );
    return this.#subdomain;
  }

  /** Makes a version the active one, or several with their shares. */
  deploy(
    name: string,
    versions: NetDeployment["versions"],
    annotations: Annotations,
    options: { about: string; strategy?: unknown },
  ): Promise<NetDeployment> {
    const path = `${this.script(name)}/deployments`;
    const { operation } = readDeployment(annotations);
    return this.api.post<NetDeployment>(path, {
      body: {
        strategy: "percentage",
        versions,
        annotations,
        ...(options.strategy !== undefined && { code_update_strategy: options.strategy }),
      },
      about: options.about,
      landed: async () => {
        const [newest] = await this.deployments(name);
        if (!newest || !sameShares(newest.versions, versions)) return undefined;
        return readDeployment(newest.annotations).operation === operation ? newest : undefined;
      },
    });
  }
}

/** Whether two deployments give the same versions the same percentages, in whatever order. */
export function sameShares(a: NetDeployment["versions"], b: NetDeployment["versions"]): boolean {
  const text = (versions: NetDeployment["versions"]) =>
    JSON.stringify(versions.map((each) => [each.version_id, each.percentage]).sort());
  return text(a) === text(b);
}

/** The version that everybody gets; undefined when none was deployed, or several share the traffic. */
export function onlyVersion({ versions, deployments }: ScriptState): NetVersion | undefined {
  const shares = deployments[0]?.versions ?? [];
  if (shares.length !== 1) return undefined;
  return versions.find(({ id }) => id === shares[0]!.version_id);
}

/** The version with the largest share. */
export function mainVersion({
  versions,
  deployments,
}: Pick<ScriptState, "versions" | "deployments">): NetVersion | undefined {
  const [largest] = [...(deployments[0]?.versions ?? [])].sort((a, b) => b.percentage - a.percentage);
  return versions.find(({ id }) => id === largest?.version_id);
}

/** The versions that share the traffic, with their shares, the oldest first; one alone when nothing is being rolled out. */
export function liveVersions({
  versions,
  deployments,
}: Pick<ScriptState, "versions" | "deployments">): { version: NetVersion; percentage: number }[] {
  const found = (deployments[0]?.versions ?? []).flatMap(({ version_id, percentage }) => {
    const version = versions.find(({ id }) => id === version_id);
    return version ? [{ version, percentage }] : [];
  });
  return found.sort((a, b) => a.version.number - b.version.number);
}

/** @throws TroupeError AUTH when the token sees no account, USAGE when it sees several and none was named */
export async function chooseAccount(api: Api, given: string | undefined): Promise<string> {
  if (given) return given;
  const accounts = await api.list<{ id: string; name: string }>("/accounts");
  if (accounts.length === 1) return accounts[0]!.id;
  if (accounts.length === 0) {
    throw new TroupeError("AUTH", "The token sees no account", {
      notes: ["Set CLOUDFLARE_ACCOUNT_ID, or give the token the permission to read the account's settings"],
    });
  }
  throw new TroupeError("USAGE", "The token sees several accounts: set CLOUDFLARE_ACCOUNT_ID to one of them", {
    notes: accounts.map(({ id, name }) => `${id}  ${name}`),
  });
}
