/** Puts services into a store, as `troupe deploy` would after building them; from inline source. */
import { mkdirSync } from "node:fs";
import { hostLabel } from "../../src/host/hostname.ts";
import type { EnvironmentRef } from "../../src/model.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { summaryOf } from "../../src/targets/local/draft.ts";
import { graph, type InlineService } from "./graph.ts";

export interface Deploying {
  /** Default production. */
  environment?: string;
  secrets?: Record<string, string>;
  /** The runtime that it was started on for a trial, as a deploy does it. Default: none. */
  startedOn?: string;
}

export class TestStore {
  readonly folder: string;
  readonly #store: Store;
  #operations = 0;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.#store = openStore(folder);
  }

  get store(): Store {
    return this.#store;
  }

  /** Makes new versions the active ones, all in one transaction. @returns their numbers */
  deploy(
    services: Record<string, InlineService>,
    { environment = "production", secrets = {}, startedOn }: Deploying = {},
  ): number[] {
    const { workers } = graph(services);
    return this.#store.transaction(() =>
      workers.map(({ environment: made, bundle }) => {
        const ref: EnvironmentRef = { service: made.service, environment };
        const record = this.#store.findEnvironment(ref) ?? this.#store.createEnvironment(ref, hostLabel(ref));
        const revisions = Object.fromEntries(
          Object.entries(secrets).map(([name, value]) => [name, this.#store.putSecret(record, name, value)]),
        );
        const stored = { ...made, name: environment, workersDev: services[made.service]!.reachable ?? true };
        const { id, number } = this.#store.addVersion(record, {
          bundle: this.#store.storeBundle(bundle),
          contentHash: bundle.contentHash,
          fingerprint: `${bundle.contentHash}-${this.#operations++}`,
          size: bundle.size,
          environment: stored,
          summary: { ...summaryOf(stored), ...(startedOn !== undefined && { startedOn }) },
          sourceConfig: {},
          secrets: revisions,
          files: [],
          source: "deploy",
        });
        this.#store.activate(record, id, { operation: `test-${this.#operations}`, action: "deploy", bound: {} });
        return number;
      }),
    );
  }

  /** The code of one environment's active version becomes the next version of another, with the settings that one has. */
  promote(from: EnvironmentRef, to: EnvironmentRef): number {
    return this.#store.transaction(() => {
      const record = this.#store.environment(to);
      const [code, own] = [this.#store.version(from), this.#store.version(to)];
      const { id, number } = this.#store.addVersion(record, {
        ...own,
        bundle: code.bundle,
        contentHash: code.contentHash,
        fingerprint: `${code.contentHash}-${this.#operations++}`,
        size: code.size,
        source: "promote",
      });
      const operation = `test-${this.#operations}`;
      this.#store.activate(record, id, { operation, action: "promote", bound: {} });
      return number;
    });
  }

  /** Makes an older version the active one. */
  rollback(ref: EnvironmentRef, number: number): void {
    this.#store.transaction(() => {
      const record = this.#store.environment(ref);
      const { id } = this.#store.version(ref, number);
      this.#store.activate(record, id, { operation: "rollback", action: "rollback", bound: {} });
    });
  }

  remove(ref: EnvironmentRef): void {
    this.#store.transaction(() => this.#store.deleteEnvironment(this.#store.environment(ref)));
  }

  close(): void {
    this.#store.close();
  }
}
