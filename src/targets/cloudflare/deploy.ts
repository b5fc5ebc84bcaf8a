/** Several Workers as one operation: afterwards all of them are new, or all are as they were. */
import { randomBytes } from "node:crypto";
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, refId } from "../../model.ts";
import type { ChangeReport, ChangeResult } from "../target.ts";
import { type Annotations, type DeploymentMark, deploymentAnnotations } from "./annotations.ts";
import { uploadAssets } from "./assets.ts";
import { changesBetween } from "./changes.ts";
import { tagsFor, withProtection } from "./draft.ts";
import { updateStrategy } from "./metadata.ts";
import { resourceName } from "./names.ts";
import { type NetVersion, type Network, sameShares } from "./network.ts";
import { Operation } from "./operation.ts";
import { type Plan, type Planned, type PlanRequest, plan } from "./plan.ts";
import { recordModule, takesRecord } from "./record.ts";
import type { TriggerContext } from "./trigger.ts";
import { applyTriggers, differingTriggers } from "./triggers.ts";
import { type Upload, uploadLive, uploadVersion } from "./upload.ts";

export interface DeployAllRequest extends PlanRequest {
  /** Share of the traffic that the new versions get at first. */
  percentage?: number;
  /** Which environment a Worker outside of the request is, and its active version; undefined when nobody knows. */
  versionOf(script: string): Promise<{ ref: EnvironmentRef; version: number } | undefined>;
  /** The environment that a Worker's active version was made of. */
  recordOf(script: string, version: NetVersion): Promise<Environment | undefined>;
}

/**
 * Makes everything of the request true, dependencies first.
 * @throws TroupeError PRECONDITION, CONFIG, START, AUTH, UNREACHABLE, INTERRUPTED; its notes say what was put back
 */
export async function deployAll(network: Network, request: DeployAllRequest): Promise<ChangeReport> {
  if (request.dryRun) return dryReport(network, await plan(network, request), request);
  const operation = new Operation();
  return operation.run(async () => {
    const planned = await plan(network, request);
    const versions = await new Run(network, planned, request).all(operation);
    const results = await Promise.all(planned.planned.map((each) => resultOf(network, each, versions.get(each))));
    return { results, warnings: [] };
  });
}

class Run {
  readonly #network: Network;
  readonly #request: DeployAllRequest;
  readonly #planned: readonly Planned[];
  readonly #existing: Set<string>;
  readonly #id = randomBytes(6).toString("hex");
  /** What is live afterwards, of those that changed. */
  readonly #versions = new Map<Planned, NetVersion>();
  readonly #tokens = new Map<Planned, string>();

  constructor(network: Network, { planned, scripts }: Plan, request: DeployAllRequest) {
    this.#network = network;
    this.#request = request;
    this.#planned = planned;
    this.#existing = new Set(scripts.keys());
  }

  /**
   * First what nobody notices: assets, Workers that are new (nothing leads to them yet), versions that wait. Then the switch:
   * waiting versions are deployed, and last comes what cannot be put back, uploads with migrations.
   */
  async all(operation: Operation): Promise<ReadonlyMap<Planned, NetVersion>> {
    const changed = this.#planned.filter((each) => each.changed);
    for (const each of changed) {
      this.#goOn();
      if (!each.assets || each.waiting) continue;
      const { onProgress } = this.#request;
      const options = { about: each.about, ...(onProgress && { onProgress }) };
      this.#tokens.set(
        each,
        await uploadAssets(
          this.#network.api,
          this.#network.accountId,
          each.environment.scriptName,
          each.assets,
          options,
        ),
      );
    }
    const early = changed.filter((each) => each.live && this.#isNeededBy(each, changed));
    for (const each of changed.filter(({ state }) => !state)) await this.#create(each, operation);
    for (const each of early.filter(({ state }) => state)) await this.#replace(each, operation);
    const waiting = changed.filter((each) => each.state && !each.live);
    for (const each of waiting) {
      this.#goOn();
      this.#say(each, "uploading");
      this.#versions.set(each, each.waiting ?? (await uploadVersion(this.#network, await this.#upload(each))));
    }
    for (const each of waiting) await this.#switch(each, operation);
    for (const each of changed)
      if (each.state && each.live && !early.includes(each)) await this.#replace(each, operation);
    const { percentage } = this.#request;
    for (const each of this.#planned) {
      this.#goOn();
      // While the old version still gets most of it, crons and addresses are the old one's.
      if (each.keepTriggers) continue;
      if (percentage !== undefined && percentage < 100 && each.changed && each.active && !each.live) continue;
      await applyTriggers(await triggerContext(this.#network, each, this.#request), operation);
    }
    return this.#versions;
  }

  /** @throws TroupeError INTERRUPTED */
  #goOn(): void {
    if (this.#request.signal?.aborted) throw new TroupeError("INTERRUPTED", "Interrupted");
  }

  #say({ about }: Planned, what: string): void {
    this.#request.onProgress?.(`${about}: ${what}`);
  }

  /** Whether another one binds Durable Object classes that come with its migration. */
  #isNeededBy(each: Planned, changed: readonly Planned[]): boolean {
    return changed.some(
      (other) =>
        other !== each &&
        other.environment.bindings.some(
          (binding) => binding.kind === "durable-object" && other.needs(binding).includes(each.environment.scriptName),
        ),
    );
  }

  async #upload(each: Planned, options: { half?: boolean; live?: boolean } = {}): Promise<Upload> {
    const { environment, bundle, record, about } = each;
    const assetsToken = this.#tokens.get(each);
    const metadata = each.metadata({
      ...options,
      ...(options.live && { deployment: await this.#mark(each) }),
      ...(assetsToken !== undefined && { assetsToken }),
      ...(options.half && { leaveOut: (binding) => each.needs(binding).some((script) => !this.#existing.has(script)) }),
    });
    return {
      environment,
      bundle,
      metadata,
      about,
      extra: takesRecord(environment, bundle) ? [recordModule(record)] : [],
    };
  }

  /** What binds a Worker that does not exist yet is made without that binding, and gets it once all of them exist. */
  async #create(each: Planned, operation: Operation): Promise<void> {
    this.#goOn();
    const { scriptName } = each.environment;
    this.#say(each, "making the Worker");
    const half = each.environment.bindings.some((binding) =>
      each.needs(binding).some((script) => !this.#existing.has(script)),
    );
    operation.did(`${refId(each.ref)} is gone again`, async () => {
      if (!(await this.#network.scripts()).has(scriptName)) return;
      await this.#network.api.delete(this.#network.script(scriptName), { query: { force: true }, about: each.about });
    });
    const version = await uploadLive(this.#network, await this.#upload(each, { half, live: true }), false);
    this.#existing.add(scriptName);
    this.#versions.set(each, version);
    for (const other of this.#planned) if (this.#halves.has(other)) await this.#complete(other);
    if (half) {
      this.#halves.add(each);
      await this.#complete(each);
    }
  }

  readonly #halves = new Set<Planned>();

  async #complete(each: Planned): Promise<void> {
    const lacks = each.environment.bindings.some((binding) =>
      each.needs(binding).some((script) => !this.#existing.has(script)),
    );
    if (lacks) return;
    this.#halves.delete(each);
    const version = await uploadVersion(this.#network, await this.#upload(each));
    await this.#network.deploy(
      each.environment.scriptName,
      [{ version_id: version.id, percentage: 100 }],
      await this.#annotations(each),
      {
        about: each.about,
      },
    );
    this.#versions.set(each, version);
  }

  async #switch(each: Planned, operation: Operation): Promise<void> {
    this.#goOn();
    this.#say(each, "deploying");
    const version = this.#versions.get(each)!;
    const { percentage } = this.#request;
    const shares = [{ version_id: version.id, percentage: 100 }];
    if (percentage !== undefined && percentage < 100 && each.active) {
      shares[0]!.percentage = percentage;
      shares.push({ version_id: each.active.id, percentage: 100 - percentage });
    }
    const { scriptName } = each.environment;
    const strategy = updateStrategy(each.environment);
    this.#rememberDeployment(each, operation);
    await this.#network.deploy(scriptName, shares, await this.#annotations(each), { about: each.about, strategy });
  }

  async #replace(each: Planned, operation: Operation): Promise<void> {
    this.#goOn();
    this.#say(each, "uploading");
    this.#rememberDeployment(each, operation);
    this.#versions.set(each, await uploadLive(this.#network, await this.#upload(each, { live: true }), true));
  }

  #rememberDeployment(each: Planned, operation: Operation): void {
    const before = each.state?.deployments[0]?.versions;
    if (!before) return;
    const number = each.active?.number;
    operation.did(
      `${refId(each.ref)} is ${number === undefined ? "empty again" : `back at version ${number}`}`,
      async () => {
        const [newest] = await this.#network.deployments(each.environment.scriptName);
        if (newest && sameShares(newest.versions, before)) return;
        const annotations = deploymentAnnotations({ action: "rollback", operation: `undo-${this.#id}` });
        await this.#network.deploy(each.environment.scriptName, before, annotations, { about: each.about });
      },
    );
  }

  async #annotations(each: Planned): Promise<Annotations> {
    return deploymentAnnotations(await this.#mark(each));
  }

  async #mark(each: Planned): Promise<DeploymentMark> {
    const { message, author } = this.#request;
    return {
      action: each.action,
      operation: this.#id,
      ...(message !== undefined && { message }),
      ...(author !== undefined && { author }),
      ...(each.from !== undefined && { from: each.from }),
      bound: await this.#boundBy(each),
    };
  }

  /** What it binds, and in which version that is now: `service@environment` → number. */
  async #boundBy(each: Planned): Promise<Record<string, number>> {
    const scripts = new Set(each.environment.bindings.flatMap((binding) => each.needs(binding)));
    scripts.delete(each.environment.scriptName);
    const bound: Record<string, number> = {};
    for (const script of scripts) {
      const planned = this.#planned.find(({ environment }) => environment.scriptName === script);
      const found = planned
        ? { ref: planned.ref, version: (this.#versions.get(planned) ?? planned.active)?.number }
        : await this.#request.versionOf(script);
      if (found?.version !== undefined) bound[refId(found.ref)] = found.version;
    }
    return bound;
  }
}

async function triggerContext(network: Network, each: Planned, request: DeployAllRequest): Promise<TriggerContext> {
  const { environment, active, about } = each;
  const previous = active && each.changed ? await request.recordOf(environment.scriptName, active) : undefined;
  return {
    network,
    environment,
    about,
    metadata: each.metadata(),
    tags: tagsOf(each),
    nameOf: resourceName,
    ...(previous && { previous }),
  };
}

/** As Wrangler marks them, so that the dashboard groups the environments of a service. */
function tagsOf({ state, ref, environment }: Planned): string[] {
  const tags = tagsFor(ref, state?.script.tags ?? []);
  return environment.protected ? withProtection(tags, true) : tags;
}

async function dryReport(
  network: Network,
  { planned, provisioned }: Plan,
  request: DeployAllRequest,
): Promise<ChangeReport> {
  const results = await Promise.all(
    planned.map(async (each) => {
      const context = await triggerContext(network, each, request);
      const triggers = each.state ? await differingTriggers(context) : [];
      const result = await resultOf(network, each, undefined);
      return { ...result, changed: result.changed || triggers.length > 0, changes: [...result.changes, ...triggers] };
    }),
  );
  const warnings = provisioned.made.map((what) => ({
    severity: "warning" as const,
    code: "resource-made",
    message: `${what} does not exist yet: the deploy makes it`,
  }));
  return { results, warnings };
}

/** @param version what is live now; absent: what was before, or none in a dry run */
async function resultOf(network: Network, each: Planned, version: NetVersion | undefined): Promise<ChangeResult> {
  const { ref, environment, bundle, active, state } = each;
  const subdomain = await network.subdomain();
  const enabled = environment.workersDev ?? environment.routes.length === 0;
  const custom = environment.routes.find(({ customDomain }) => customDomain)?.pattern;
  const hostname = custom ?? (enabled && subdomain ? `${environment.scriptName}.${subdomain}.workers.dev` : undefined);
  const number = version?.number ?? (each.changed ? (state?.versions[0]?.number ?? 0) + 1 : (active?.number ?? 1));
  return {
    ...ref,
    version: number,
    changed: each.changed,
    ...(hostname !== undefined && { hostname, url: `https://${hostname}` }),
    routes: environment.routes.map(({ pattern }) => pattern),
    contentHash: bundle.contentHash,
    size: bundle.size,
    changes: each.changed && active ? await changesBetween(network, each, active) : [],
    ...(each.changed && active && { previous: active.number }),
  };
}
