/** Several Workers as one operation: afterwards all of them are new, or all are as they were. */
import { TroupeError } from "../../errors.ts";
import { type Binding, type EnvironmentRef, refId } from "../../model.ts";
import type { ChangeReport } from "../target.ts";
import { deploymentAnnotations } from "./annotations.ts";
import { uploadAssets } from "./assets.ts";
import { bridgeWanted } from "./bridge.ts";
import { DeploymentMarks } from "./deployment-marks.ts";
import { updateStrategy } from "./metadata.ts";
import { type NetVersion, type Network, sameShares } from "./network.ts";
import { Operation } from "./operation.ts";
import { bindsClassesOf, isObject, ownersFirst } from "./owners.ts";
import { onlyLive, type Plan, type Planned, type PlanRequest, plan } from "./plan.ts";
import { recordModule, takesRecord } from "./record.ts";
import { withMarks } from "./replaced.ts";
import { dryReport, type Outcome, resultOf } from "./report.ts";
import type { Content } from "./shelf.ts";
import { replacedBy, triggerContext } from "./trigger-context.ts";
import { applyTriggers, aroundOf } from "./triggers.ts";
import { type Upload, uploadLive, uploadVersion } from "./upload.ts";

export interface DeployAllRequest extends PlanRequest {
  /** Share of the traffic that the new versions get at first. */
  percentage?: number;
  /** Which environment a Worker outside of the request is, and its active version; undefined when nobody knows. */
  versionOf(script: string): Promise<{ ref: EnvironmentRef; version: number } | undefined>;
  /** The code of a version of a Worker, and what is kept with it; undefined when nobody knows the Worker. */
  contentOf(script: string, version: NetVersion): Promise<Content | undefined>;
}

/**
 * Makes everything of the request true, dependencies first.
 * @throws TroupeError PRECONDITION, CONFIG, START, AUTH, UNREACHABLE, INTERRUPTED; its notes say what was put back
 */
export async function deployAll(network: Network, request: DeployAllRequest): Promise<ChangeReport> {
  if (request.dryRun) return dryReport(network, await plan(network, request), request);
  const operation = new Operation(request.onProgress);
  const work = async () => {
    const planned = await plan(network, { ...request, onMade: (what) => operation.keeps(what) });
    const outcomes = await new Run(network, planned, request).all(operation);
    const results = await Promise.all(
      planned.planned.map((each) => resultOf(network, request, each, outcomes.get(each))),
    );
    return { results, warnings: [] };
  };
  return operation.run(() => network.api.interruptible(request.signal, work));
}

class Run {
  readonly #network: Network;
  readonly #request: DeployAllRequest;
  readonly #planned: readonly Planned[];
  readonly #existing: Set<string>;
  /** Workers whose Durable Object classes others wait for. */
  readonly #awaited = new Set<string>();
  /** New ones that lack some of their bindings yet. */
  readonly #halves = new Set<Planned>();
  /** Those that have their new classes already and not yet their new code, with the version that is live meanwhile. */
  readonly #bridged = new Map<Planned, NetVersion>();
  /** What is live afterwards, of those that changed. */
  readonly #versions = new Map<Planned, NetVersion>();
  readonly #tokens = new Map<Planned, string>();
  /** Tags as the deploy has set them so far. */
  readonly #tags = new Map<Planned, string[]>();
  readonly #marks: DeploymentMarks;

  constructor(network: Network, { planned, scripts }: Plan, request: DeployAllRequest) {
    this.#network = network;
    this.#request = request;
    this.#planned = planned;
    this.#existing = new Set(scripts.keys());
    this.#marks = new DeploymentMarks(network, request, planned, this.#versions);
  }

  /**
   * First what nobody notices: assets, Workers that are new (nothing leads to them yet), versions that wait. Then the switch:
   * waiting versions are deployed, and last comes what cannot be put back, uploads with migrations.
   */
  async all(operation: Operation): Promise<ReadonlyMap<Planned, Outcome>> {
    const changed = this.#planned.filter((each) => each.changed);
    for (const each of changed) {
      this.#goOn();
      if (each.assets && !each.waiting) await this.#uploadAssets(each);
    }
    const early = ownersFirst(changed.filter((each) => each.state && each.live && this.#isNeededBy(each, changed)));
    for (const { environment } of early) this.#awaited.add(environment.scriptName);
    for (const each of changed.filter(({ state }) => !state)) await this.#create(each, operation);
    for (const each of early) {
      // Of those that wait for each other, one goes ahead with its classes alone.
      if (this.#isHalf(each)) await this.#bridge(each, operation);
      else await this.#replace(each, operation);
      this.#awaited.delete(each.environment.scriptName);
      await this.#completeHalves();
    }
    const isDone = (each: Planned) => early.includes(each) && !this.#bridged.has(each);
    const waiting = changed.filter((each) => each.state && !this.#isLive(each));
    for (const each of waiting) {
      this.#goOn();
      this.#say(each, "uploading");
      this.#versions.set(each, each.waiting ?? (await uploadVersion(this.#network, await this.#upload(each))));
    }
    for (const each of waiting) await this.#switch(each, operation);
    for (const each of changed)
      if (each.state && this.#isLive(each) && !isDone(each)) await this.#replace(each, operation);
    const outcomes = new Map<Planned, Outcome>();
    for (const each of this.#planned) {
      this.#goOn();
      const triggers = this.#keepsTriggers(each)
        ? []
        : await applyTriggers(
            await triggerContext(this.#network, each, this.#request, this.#tags.get(each)),
            operation,
          );
      const version = this.#versions.get(each);
      outcomes.set(each, { ...(version && { version }), triggers });
    }
    return outcomes;
  }

  async #uploadAssets(each: Planned): Promise<void> {
    const { api, accountId } = this.#network;
    const { onProgress } = this.#request;
    const options = { about: each.about, ...(onProgress && { onProgress }) };
    this.#tokens.set(each, await uploadAssets(api, accountId, each.environment.scriptName, each.assets!, options));
  }

  /** While the old version still gets some of the traffic, crons and addresses are the old one's. */
  #keepsTriggers({ keepTriggers, changed, active, live }: Planned): boolean {
    const { percentage } = this.#request;
    const isShared = percentage !== undefined && percentage < 100 && changed && active !== undefined && !live;
    return keepTriggers === true || isShared;
  }

  /** Whether what it gets has to be live at once: after a bridge, no longer because of migrations. */
  #isLive(each: Planned): boolean {
    return this.#bridged.has(each) ? onlyLive(each) : each.live;
  }

  /**
   * Brings the new classes of a Worker that others wait for, and that waits for theirs. What it does stays the same meanwhile,
   * as far as that can be.
   */
  async #bridge(each: Planned, operation: Operation): Promise<void> {
    this.#goOn();
    this.#say(each, "making its Durable Object classes");
    const { environment, active, ref } = each;
    const wanted = active && bridgeWanted(each, await this.#request.contentOf(environment.scriptName, active));
    // Nobody else's classes were in what is live, or it could not be.
    const { tag: _, ...request } = this.#request;
    const message = `version ${active?.number} with the Durable Object classes that others wait for`;
    const bridge = wanted && (await plan(this.#network, { ...request, wanted: [wanted], message })).planned[0]!;
    if (bridge?.assets) await this.#uploadAssets(bridge);
    const version = await uploadLive(
      this.#network,
      await this.#upload(bridge ?? each, { live: true, half: bridge === undefined }),
      true,
    );
    const state = bridge ? "the code that it had" : "its new code without some bindings";
    operation.did("", async () => `${refId(ref)} has its new Durable Object classes, and ${state}`);
    this.#bridged.set(each, version);
    this.#versions.set(each, version);
  }

  /** Says at the Worker what is to go after the switch. */
  async #markReplaced(each: Planned, operation: Operation): Promise<void> {
    if (this.#keepsTriggers(each)) return;
    const stay = aroundOf(each.environment);
    const leaving = (await replacedBy(each, this.#request)).filter(({ environment }) =>
      [...aroundOf(environment)].some((what) => !stay.has(what)),
    );
    const before = each.state?.script.tags ?? [];
    const tags = withMarks(
      before,
      leaving.map(({ version }) => version.number),
    );
    this.#tags.set(each, tags);
    if (tags.length === before.length) return;
    const path = `${this.#network.script(each.environment.scriptName)}/script-settings`;
    const write = (value: readonly string[]) =>
      this.#network.api.patch(path, { body: { tags: value }, about: each.about });
    operation.did("", () => write(before));
    await write(tags);
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
    return changed.some((other) => other !== each && bindsClassesOf(other, each));
  }

  async #upload(each: Planned, options: { half?: boolean; live?: boolean } = {}): Promise<Upload> {
    const { environment, bundle, record, about } = each;
    const assetsToken = this.#tokens.get(each);
    const metadata = each.metadata({
      ...options,
      ...(options.live && { deployment: await this.#marks.of(each) }),
      ...(assetsToken !== undefined && { assetsToken }),
      ...(options.half && { leaveOut: (binding) => this.#isTooEarly(each, binding) }),
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
    const half = this.#isHalf(each);
    operation.did(`${refId(each.ref)} is gone again`, async () => {
      if (!(await this.#network.scripts()).has(scriptName)) return undefined;
      const [newest] = await this.#network.deployments(scriptName);
      if (newest && !(await this.#marks.areOn(newest, scriptName))) return leftAlone(each);
      await this.#network.api.delete(this.#network.script(scriptName), { query: { force: true }, about: each.about });
      return undefined;
    });
    const version = await uploadLive(this.#network, await this.#upload(each, { half, live: true }), false);
    this.#existing.add(scriptName);
    this.#versions.set(each, version);
    if (half) this.#halves.add(each);
    await this.#completeHalves();
  }

  /** Whether what a binding leads to is not there yet: a Worker, or classes that come with a migration. */
  #isTooEarly(each: Planned, binding: Binding): boolean {
    return each
      .needs(binding)
      .some((script) => !this.#existing.has(script) || (isObject(binding) && this.#awaited.has(script)));
  }

  #isHalf(each: Planned): boolean {
    return each.environment.bindings.some((binding) => this.#isTooEarly(each, binding));
  }

  async #completeHalves(): Promise<void> {
    for (const each of [...this.#halves]) if (!this.#isHalf(each)) await this.#complete(each);
  }

  async #complete(each: Planned): Promise<void> {
    this.#halves.delete(each);
    const version = await uploadVersion(this.#network, await this.#upload(each));
    await this.#network.deploy(
      each.environment.scriptName,
      [{ version_id: version.id, percentage: 100 }],
      deploymentAnnotations(await this.#marks.of(each)),
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
    if (percentage !== undefined && percentage < 100 && each.oldest) {
      shares[0]!.percentage = percentage;
      shares.push({ version_id: each.oldest.id, percentage: 100 - percentage });
    }
    const { scriptName } = each.environment;
    const strategy = updateStrategy(each.environment);
    await this.#markReplaced(each, operation);
    this.#rememberDeployment(each, operation);
    await this.#network.deploy(scriptName, shares, deploymentAnnotations(await this.#marks.of(each)), {
      about: each.about,
      strategy,
    });
  }

  async #replace(each: Planned, operation: Operation): Promise<void> {
    this.#goOn();
    this.#say(each, "uploading");
    await this.#markReplaced(each, operation);
    this.#rememberDeployment(each, operation);
    this.#versions.set(each, await uploadLive(this.#network, await this.#upload(each, { live: true }), true));
  }

  #rememberDeployment(each: Planned, operation: Operation): void {
    const bridge = this.#bridged.get(each);
    const before = bridge ? [{ version_id: bridge.id, percentage: 100 }] : each.state?.deployments[0]?.versions;
    if (!before) return;
    const number = (bridge ?? each.active)?.number;
    operation.did(
      `${refId(each.ref)} is ${number === undefined ? "empty again" : `back at version ${number}`}`,
      async () => {
        const [newest] = await this.#network.deployments(each.environment.scriptName);
        if (newest && sameShares(newest.versions, before)) return undefined;
        // Its upload, which came with the migration, has landed: the network takes the version before no more.
        if (!bridge && each.migrations && this.#versions.has(each))
          return `${refId(each.ref)} stays new, since its migration cannot be taken back: run the same command again`;
        if (newest && !(await this.#marks.areOn(newest, each.environment.scriptName))) return leftAlone(each);
        const annotations = deploymentAnnotations(this.#marks.ofUndoing());
        await this.#network.deploy(each.environment.scriptName, before, annotations, { about: each.about });
        return undefined;
      },
    );
  }
}

function leftAlone({ ref }: Planned): string {
  return `${refId(ref)} stays as somebody else has deployed it meanwhile`;
}
