/** The tail Worker of troupe's own: tells exceptions (and logs, where console is left alone) of every worker. */
import type { WorkerOptions } from "../bindings/kind.ts";
import type { LogLevel } from "./types.ts";

export const TAIL_WORKER = "troupe:tail";

/** What the tail Worker sends: only invocations that have something to say. */
export interface TailReport {
  worker: string;
  ray?: string;
  exceptions: { name: string; message: string; stack?: string; timestamp: number }[];
  logs: { level: LogLevel; message: unknown[]; timestamp: number }[];
}

export type TailSink = (report: TailReport) => void;

/** A report costs a call into Node, so nothing is sent for an invocation that was quiet. */
const SOURCE = `
export default {
  async tail(events, env, ctx) {
    const { worker, logs } = ctx.props;
    for (const event of events) {
      const lines = logs ? event.logs : [];
      if (event.exceptions.length === 0 && lines.length === 0) continue;
      await env.SINK.fetch("http://troupe/", {
        method: "POST",
        body: JSON.stringify({
          worker,
          ray: event.event?.request?.headers?.["cf-ray"],
          exceptions: event.exceptions.map(({ name, message, stack, timestamp }) => ({ name, message, stack, timestamp })),
          logs: lines.map(({ level, message, timestamp }) => ({ level, message, timestamp })),
        }),
      });
    }
  },
};
`;

/** A tail consumer that reports to this process. */
export function tailWorker(sink: TailSink): WorkerOptions {
  return {
    config: {
      name: TAIL_WORKER,
      compatibilityDate: "2026-01-01",
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: SOURCE } } },
      env: {
        SINK: {
          type: "fetcher",
          handler: async (request) => {
            const { Response } = await import("miniflare");
            sink((await request.json()) as TailReport);
            return new Response();
          },
        },
      },
    },
  };
}
