/** The queues of a run: kept in the data folder, delivered to the services that run. */
import path from "node:path";
import { consumersOf } from "../../bindings/queue-consumer.ts";
import type { QueueService } from "../../bindings/queue-service.ts";
import type { Broker } from "../../host/broker/index.ts";
import type { GraphRuntime } from "../../runtime/types.ts";
import type { OpenQueue } from "../data/queue.ts";
import { type Plan, splitId } from "./plan.ts";
import type { DevEvent } from "./types.ts";

/** A batch under way when `dev` ends gets this long, in ms. */
const GRACE = 1_000;

/** The queues of a run: opened when something uses one, and delivered to the workers that run. */
export class DevQueues {
  #broker: Broker | undefined;
  #runtime: () => GraphRuntime;
  #emit: (event: DevEvent) => void;

  constructor(runtime: () => GraphRuntime, emit: (event: DevEvent) => void) {
    this.#runtime = runtime;
    this.#emit = emit;
  }

  /** What queue bindings lead to. */
  readonly service: QueueService = (queue, request) => this.#broker!.handle(queue, request);

  /**
   * Before anything runs that may send. The broker is loaded then: most runs have no queues.
   * @param folder of the data; undefined: in memory
   * @throws TroupeError STORE
   */
  async open(folder: string | undefined): Promise<void> {
    const { createBroker, QUEUES_FILE } = await import("../../host/broker/index.ts");
    this.#broker ??= createBroker({
      ...(folder !== undefined && { file: path.join(folder, QUEUES_FILE) }),
      deliver: ({ worker }, batch) => this.#runtime().queue(worker, batch),
      onBatch: ({ worker, ms, ...batch }) =>
        this.#emit({ reason: "queue", ...splitId(worker), ...batch, ms: Math.round(ms) }),
      onStuck: ({ queue, worker }, error) => {
        const message = `Messages of queue "${queue}" wait: ${worker} can't receive them: ${error.message}`;
        this.#emit({ reason: "warning", diagnostic: { severity: "warning", code: "queue-stuck", message } });
      },
    });
  }

  /** These services run from now on. */
  consume({ graph }: Plan): void {
    const consumers = [...graph.environments].flatMap(([worker, environment]) =>
      consumersOf(environment).map((settings) => ({ ...settings, worker })),
    );
    this.#broker?.consume(consumers);
  }

  /** @param queue local id */
  access(queue: string): OpenQueue {
    return { broker: this.#broker!, queue };
  }

  async close(): Promise<void> {
    await this.#broker?.close(GRACE);
  }
}

/** Whether any service sends to a queue or receives from one. */
export function usesQueues({ graph }: Plan): boolean {
  return [...graph.environments.values()].some(({ bindings }) =>
    bindings.some(({ resource }) => resource?.type === "queue"),
  );
}
