/** One run of `dev`: from a change in the files to a new generation that serves. */
import { locate } from "../../config/index.ts";
import { type Diagnostic, TroupeError } from "../../errors.ts";
import type { Workspace } from "../../model.ts";
import { createGraphRuntime, preloadRuntime } from "../../runtime/index.ts";
import type { GraphRuntime, RuntimeEvent, SwapResult } from "../../runtime/types.ts";
import { Builds } from "./builds.ts";
import { DevData } from "./data.ts";
import { devEvent, warnOnce } from "./events.ts";
import { asError, type DevFailure, ownDiagnostic } from "./failure.ts";
import { changedSettings, type DevSettings } from "./listen.ts";
import { choosePlan, readWorkspace } from "./load.ts";
import { type LocalValues, localValues } from "./local-values.ts";
import { readyEvent, reloadEvent } from "./news.ts";
import { placeStartError, placeWarning } from "./place.ts";
import { boundFiles, boundTo, ownEnvironments, type Plan, urlsOf, viewGraph } from "./plan.ts";
import { DevQueues, usesQueues } from "./queues.ts";
import { graphSpec } from "./spec.ts";
import type { DevEvent, DevOptions, GraphView } from "./types.ts";
import { touchesConfig } from "./watch.ts";
import { type Watched, Watching } from "./watching.ts";

/** After a save people look for the new code: streams and WebSockets of the old one end soon, in ms. */
const DRAIN = { load: 2_000, overlap: 2_000, prewarm: 1_000, hold: 1_000 };

export interface SessionHooks {
  /** Whether the Cache API is used from Node. */
  caches?: boolean;
  /** Opens the front door, if it is not open: no later than the first news. @throws TroupeError CONFLICT, CONFIG */
  open(): Promise<void>;
  emit(event: DevEvent): void;
  /** The address of a hostname's first label. */
  origin(label: string): string;
  /** Called after every cycle, good or bad. */
  settled(): void;
  /** Exceptions and logs, before they are told. */
  observe(event: RuntimeEvent): void;
}

/** Turns changes into generations, one after another: load what changed, build, start, announce. */
export class DevSession {
  readonly runtime: GraphRuntime;
  plan: Plan | undefined;
  failure: DevFailure | undefined;
  /** True once a generation serves. */
  serving = false;

  #options: DevOptions;
  #hooks: SessionHooks;
  #builds: Builds;
  #watching: Watching;
  /** When the last cycle began to read files, in ms since 1970. */
  #readAt = Date.now();
  #workspace: Workspace | undefined;
  #local: LocalValues | undefined;
  #queues: DevQueues;
  #data: DevData;
  #pending: { files: Set<string>; everything: boolean } | undefined;
  #running: Promise<void> | undefined;
  /** What the running generation was made from, besides code. */
  #servingKey: string | undefined;
  #startedAt = performance.now();
  #starting = true;
  #warn: (diagnostic: Diagnostic) => void;
  #inspectorPort: number | undefined;
  /** `[dev]` as it was at the start. */
  #listensBy: DevSettings | undefined;
  #stopped = false;

  constructor(options: DevOptions, hooks: SessionHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#warn = warnOnce(hooks.emit);
    this.#builds = new Builds({
      processEnv: options.processEnv ?? {},
      onCommandOutput: (environment, line) =>
        hooks.emit({ reason: "build-output", service: environment.service, environment: environment.name, line }),
    });
    this.#queues = new DevQueues(() => this.runtime, hooks.emit);
    this.#watching = new Watching(
      () => this.#watched(),
      (files) => void this.change(files),
    );
    this.#data = new DevData(options, this.#queues, {
      plan: () => this.plan!,
      workspace: () => this.#workspace,
      rested: () => this.rested(),
      change: (files) => this.change(files),
      bindings: (worker) => this.runtime.bindings(worker),
      warn: (diagnostic) => this.#warn(diagnostic),
    });
    this.runtime = createGraphRuntime({
      onEvent: (event) => this.#onRuntimeEvent(event),
      // A failure shows where the door is waited for.
      onWait: () => {
        void hooks.open().catch(() => {});
        void this.#startWatching();
      },
      queues: this.#queues.service,
      caches: hooks.caches,
      drain: DRAIN,
      load: true,
    });
  }

  /**
   * Builds and starts everything for the first time, then watches. `load` comes before it.
   * @throws TroupeError CONFIG, NOT_FOUND; BUILD and START too unless `keepGoing`
   */
  async start(inspectorPort?: number): Promise<void> {
    this.#inspectorPort = inspectorPort;
    // Saves made meanwhile wait their turn like any others.
    this.#running = this.#cycle({ files: new Set(), everything: true }, true)
      .then(() => this.#drain())
      .finally(() => {
        this.#running = undefined;
      });
    await this.#running;
    if (this.failure && !this.#options.keepGoing) throw asError(this.failure);
    this.#starting = false;
  }

  /** Reacts to changed files; without any, builds and restarts everything. Resolves when all pending changes are done. */
  change(files?: readonly string[]): Promise<void> {
    this.#pending ??= { files: new Set(), everything: false };
    if (files) for (const file of files) this.#pending.files.add(file);
    else this.#pending.everything = true;
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** What was saved does not serve yet. */
  get reloading(): boolean {
    return this.#running !== undefined || this.#watching.burst !== undefined;
  }

  /** Resolves when nothing is being built or started, and what was saved until now serves, or was told to be wrong. */
  async rested(): Promise<void> {
    await this.#watching.burst;
    await this.#running?.catch(() => {});
  }

  /** The graph as shown to people. */
  view(): GraphView {
    return viewGraph(this.plan!, urlsOf(this.plan!, this.#hooks.origin), this.#local?.shown);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching.close();
    await this.#running?.catch(() => {});
    await this.#queues.close();
    await Promise.all([this.runtime.close(), this.#builds.dispose()]);
    await this.#data.release();
  }

  async #drain(): Promise<void> {
    while (this.#pending && !this.#stopped) {
      const change = this.#pending;
      this.#pending = undefined;
      await this.#cycle(change, false);
    }
  }

  async #cycle(change: { files: Set<string>; everything: boolean }, first: boolean): Promise<void> {
    const startedAt = first ? this.#startedAt : performance.now();
    const files = [...change.files];
    if (!first) this.#readAt = Date.now();
    try {
      const configChanged =
        first ||
        change.everything ||
        this.failure?.phase === "config" ||
        touchesConfig(files, this.#workspace, this.#local?.files);
      if (configChanged && !first) await this.#loadAgain();
      const plan = this.plan!;
      this.#builds.markChanged(change.everything ? undefined : files);
      const building = this.#builds.build();
      building.catch(() => {});
      const local = await localValues(plan, this.#options);
      // All that waits for files comes before: from here to a process that starts, this thread does not rest.
      if (first) preloadRuntime();
      const outcome = await building;
      // What a build command wrote was not saved by anybody.
      if (this.#builds.runCommands) this.#readAt = Date.now();
      for (const warning of outcome.warnings) this.#warn(warning);
      if (outcome.errors.length > 0) {
        await this.#startWatching();
        await this.#fail(
          "build",
          outcome.errors.length === 1
            ? outcome.errors[0]!.message
            : `Build failed with ${outcome.errors.length} errors`,
          outcome.errors,
        );
        return;
      }
      const bound = boundTo(plan, files);
      const boundChanged = bound.length > 0;
      // A change without files comes from a data command that needs something brought in.
      const asked = files.length === 0;
      const idle = outcome.changed.length === 0 && !configChanged && !boundChanged && !asked;
      if (idle && this.serving && !this.failure) return;
      for (const warning of local.warnings) this.#warn(warning);
      this.#local = local;
      // A config file that was touched, or told about twice, and says what it said before.
      const key = JSON.stringify([
        [...plan.graph.environments],
        [...plan.hosts],
        [...local.values],
        [...this.#data.workers.keys()],
      ]);
      const unchanged = outcome.changed.length === 0 && !boundChanged && key === this.#servingKey;
      if (unchanged && !change.everything && !this.failure) return;
      const persistTo = await this.#data.take(plan);
      if (usesQueues(plan)) await this.#queues.open(persistTo);
      const { spec, warnings } = graphSpec({
        workspace: plan.workspace,
        graph: plan.graph,
        bundle: (id) => plan.stored?.bundle(id) ?? this.#builds.bundle(id)!,
        secrets: local.values,
        reachable: new Set(plan.hosts.values()),
        options: {
          persistTo,
          inspectorPort: this.#inspectorPort,
          startTimeout: this.#options.startTimeout,
          restart: boundChanged || change.everything,
        },
      });
      for (const { written, ...warning } of warnings) this.#warn({ ...warning, location: await locate(written) });
      spec.workers.push(...this.#data.workers.values());
      // Watched before anybody is told: what is saved upon the news must be seen.
      const swap = await this.runtime.swap(spec).finally(() => this.#startWatching());
      this.#queues.consume(plan);
      for (const warning of swap.warnings) this.#warn(await placeWarning(warning, plan, this.#options));
      this.failure = undefined;
      this.#servingKey = key;
      const ms = performance.now() - startedAt;
      const changed = [...new Set([...outcome.changed, ...bound])];
      await this.#announce(plan, { changed, files, swap, ms, configChanged });
    } catch (error) {
      if (!(error instanceof TroupeError) || error.code === "INTERNAL") throw error;
      if (first && error.code !== "START") throw error;
      const diagnostics = error.diagnostics.length > 0 ? error.diagnostics : [ownDiagnostic(error)];
      if (error.code !== "START") await this.#fail("config", error.message, diagnostics);
      else {
        const placed = await Promise.all(diagnostics.map((each) => placeStartError(each, this.plan!)));
        await this.#fail("start", placed[0]!.message, placed);
      }
    } finally {
      this.#watching.update(this.#readAt);
      this.#hooks.settled();
    }
  }

  /**
   * Reads the config, and chooses what runs.
   * @throws TroupeError CONFIG, NOT_FOUND
   */
  async load(): Promise<Plan> {
    const { workspace, warnings } = await readWorkspace(this.#options);
    // Watched from here on, even when nothing can be made of it.
    this.#workspace = workspace;
    for (const warning of warnings) this.#warn(warning);
    const plan = await choosePlan(workspace, this.#options);
    const overrides = new Map(plan.overridden.map((id) => [id, this.#options.overrides ?? {}]));
    await this.#builds.reconcile(ownEnvironments(plan), overrides);
    this.plan = plan;
    return plan;
  }

  /** Where `dev` listens is not moved by it. */
  async #loadAgain(): Promise<void> {
    const settings = ({ graph, primary }: Plan) => graph.environments.get(primary)?.settings.dev ?? {};
    this.#listensBy ??= settings(this.plan!);
    const plan = await this.load();
    const environment = plan.graph.environments.get(plan.primary)!;
    for (const warning of await changedSettings(this.#options, this.#listensBy, environment)) this.#warn(warning);
  }

  /** Resolves when whatever is saved will be seen. */
  async #startWatching(): Promise<void> {
    if (this.#options.watch !== false) await this.#watching.start(this.#readAt);
  }

  #watched(): Watched {
    const workspace = this.#workspace;
    const built = this.#builds.watched();
    const bound = this.plan ? boundFiles(this.plan) : { files: [], folders: [] };
    return {
      files: [...built.files, ...bound.files, ...(this.#local?.files ?? []), ...(workspace?.files ?? [])],
      folders: [...built.folders, ...bound.folders],
      nests: workspace?.memberFolders,
    };
  }

  async #announce(
    plan: Plan,
    reload: { changed: string[]; files: string[]; swap: SwapResult; ms: number; configChanged: boolean },
  ): Promise<void> {
    const { configChanged, ms, ...rest } = reload;
    await this.#hooks.open();
    const config = { graph: this.view(), urls: urlsOf(plan, this.#hooks.origin) };
    if (this.serving) {
      this.#hooks.emit(reloadEvent({ ...rest, plan, ms, config: configChanged ? config : undefined }));
      return;
    }
    this.serving = true;
    const inspector = await this.runtime.inspectorUrl();
    this.#hooks.emit(readyEvent({ ...config, url: this.#hooks.origin(""), ms, inspector }));
  }

  async #fail(phase: DevFailure["phase"], message: string, diagnostics: Diagnostic[]): Promise<void> {
    this.failure = { phase, message, diagnostics };
    // Of a start that is given up the error itself tells.
    if (this.#starting && !this.#options.keepGoing) return;
    await this.#hooks.open();
    this.#hooks.emit({ reason: "build-error", phase, message, diagnostics, stale: this.serving });
  }

  #onRuntimeEvent(event: RuntimeEvent): void {
    this.#hooks.observe(event);
    if (event.type !== "exception" || !event.again) this.#hooks.emit(devEvent(event));
  }
}
