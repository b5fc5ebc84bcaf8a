/**
 * The sockets that requests from the front door come in by. Where the system has Unix sockets they lie in our temporary
 * folder, which nobody else may enter. Miniflare knows nothing of them; workerd does, and an address is handed on as it is
 * but for a port at its end.
 */
import { rmSync } from "node:fs";
import path from "node:path";
import type { Miniflare } from "miniflare";
import type { WorkerOptions } from "../bindings/kind.ts";
import { fitsUnixSocket, unixOrigin } from "../lib/unix-origin.ts";
import { reaper } from "./reaper.ts";

/** What Miniflare puts behind every host. */
const PORT = ":0";

let count = 0;

export class DirectSockets {
  /** By worker. */
  readonly #paths = new Map<string, string>();

  /** @returns the workers, listening at sockets of ours where they would listen at ports of Miniflare's choice */
  of(workers: readonly WorkerOptions[]): WorkerOptions[] {
    return workers.map((worker) => {
      const { dev, config } = worker;
      const file = path.join(reaper().folder, `${++count}.sock`);
      if (!dev?.unsafeDirectSockets?.some(isDoor) || !fitsUnixSocket(file + PORT)) return worker;
      this.#paths.set(config.name!, file + PORT);
      const unsafeDirectSockets = dev.unsafeDirectSockets.map((socket) =>
        isDoor(socket) ? { ...socket, host: `unix:${file}` } : socket,
      );
      return { ...worker, dev: { ...dev, unsafeDirectSockets } };
    });
  }

  /** Where requests for a worker go, once it runs. */
  async origin(worker: string, miniflare: Miniflare): Promise<string> {
    const file = this.#paths.get(worker);
    return file === undefined ? (await miniflare.unsafeGetDirectURL(worker)).origin : unixOrigin(file);
  }

  /** Their process has ended. What it leaves behind would be in the way of the next one. */
  remove(): void {
    for (const file of this.#paths.values()) rmSync(file, { force: true });
  }
}

/** Of a worker's own default entrypoint, not one of those that are ours. */
function isDoor({ entrypoint }: { entrypoint?: string | undefined }): boolean {
  return entrypoint === undefined;
}
