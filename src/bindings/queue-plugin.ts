/**
 * A Miniflare plugin, loaded by Miniflare itself from this file: points a binding of the runtime's own `Queue` class to a
 * worker of the graph. Miniflare's `queue` bindings lead to a broker of its own and nowhere else, while the runtime takes
 * any service that answers `POST /message`, `POST /batch` and `GET /metrics`.
 */
import type { Plugin } from "miniflare";
import { miniflare, QUEUE_TYPE, type QueueTarget } from "./queue-service.ts";

interface Options {
  config: { env?: Record<string, { type: string; dev?: unknown }> };
}

function bindingsOf({ config }: Options): [name: string, target: QueueTarget][] {
  return Object.entries(config.env ?? {}).flatMap(([name, { type, dev }]) =>
    type === `unsafe:${QUEUE_TYPE}` ? [[name, (dev as { options: QueueTarget }).options]] : [],
  );
}

export const plugins: Record<string, Plugin> = {
  [QUEUE_TYPE]: {
    bindingTypeDescription: "Queue producer",
    getBindings: (options) =>
      bindingsOf(options).map(([name, { worker, entrypoint, props }]) => ({
        name,
        queue: { name: `core:user:${worker}`, entrypoint, props: { json: JSON.stringify(props) } },
      })),
    getNodeBindings: (options) =>
      Object.fromEntries(bindingsOf(options).map(([name]) => [name, new (miniflare().ProxyNodeBinding)()])),
    getServices: () => [],
  },
};
