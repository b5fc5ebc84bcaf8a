/** The control API of `serve`, on loopback: health and figures for everybody, data for those with the token. */
import { type Control, type ControlResponse, startControl } from "../../host/control.ts";
import type { Metrics } from "../../host/metrics.ts";
import { answerData } from "../data/serve.ts";
import { portInUse } from "../port-in-use.ts";
import type { ServeSession } from "./session.ts";

export interface ControlInput {
  session: ServeSession;
  metrics: Metrics;
  /** 0: any. */
  port: number;
}

/** @throws TroupeError CONFLICT when the port is taken */
export async function openControl({ session, metrics, port }: ControlInput): Promise<Control> {
  const health = async (): Promise<ControlResponse> => ({
    body: `${JSON.stringify({
      status: "ok",
      graphs: session.plan.graphs.length,
      running: session.pool.running,
      environments: session.plan.deployed.size,
    })}\n`,
  });
  const figures = async (): Promise<ControlResponse> => {
    const { body, contentType } = await metrics.render();
    return { body, headers: { "content-type": contentType } };
  };
  try {
    return await startControl((request) => answerData(request, (call) => session.bindingOf(call)), {
      port,
      open({ method, path }) {
        if (method !== "GET" && method !== "HEAD") return undefined;
        return path === "/healthz" ? health() : path === "/metrics" ? figures() : undefined;
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw await portInUse(port, "Stop that process, or pick another port with --control-port", { cause: error });
  }
}
