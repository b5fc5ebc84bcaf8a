import type { Options } from "yargs";
import { TroupeError } from "../errors.ts";
import { parseBytes } from "../lib/bytes.ts";
import { startServe } from "../ops/serve/index.ts";
import type { ServeEvent } from "../ops/serve/types.ts";
import { renderServeEvent } from "../output/serve.ts";
import type { Command, CommandEvent } from "./command.ts";

const DEFAULT_HTTPS_PORT = 8443;

const args = {
  port: { type: "number", describe: "Port to listen on; taken is an error (default: 8787; 0: any)" },
  ip: { type: "string", describe: "Address to listen on", default: "127.0.0.1" },
  domain: { type: "string", describe: "What hostnames end in", default: "localhost" },
  https: { type: "boolean", describe: "Listen with https too, with certificates of a CA made here" },
  "https-port": { type: "number", describe: `Port for https (default: ${DEFAULT_HTTPS_PORT}; 0: any)` },
  "control-port": { type: "number", describe: "Port of health and metrics, on 127.0.0.1 (default: any)" },
  "idle-timeout": { type: "number", describe: "Seconds without a request until a graph is stopped (default: 300)" },
  "max-processes": { type: "number", describe: "Graphs that may run at a time (default: by memory)" },
  "memory-limit": {
    type: "string",
    describe: "Memory of all graphs, such as 2GB, above which idle ones are stopped (default: half of the machine's)",
  },
  "access-log": { type: "boolean", default: true, describe: "Tell every request (--no-access-log: none)" },
} satisfies Record<string, Options>;

interface ServeArgs {
  port?: number;
  ip: string;
  domain: string;
  https?: boolean;
  httpsPort?: number;
  controlPort?: number;
  idleTimeout?: number;
  maxProcesses?: number;
  memoryLimit?: string;
  accessLog: boolean;
}

const command: Command<ServeArgs, void> = {
  args,
  examples: [
    ["troupe serve", "Everything that is deployed, at http://<service>.localhost:8787"],
    ["troupe serve --ip 0.0.0.0 --port 80 --domain apps.example.test", "For others, below a domain of your own"],
    ["troupe serve --https", "With https as well"],
  ],
  async run(given, context, emit) {
    checkNumbers(given);
    const server = await startServe({
      cwd: context.cwd,
      processEnv: context.env,
      now: context.now,
      config: given.config,
      stateDir: given.stateDir,
      ip: given.ip,
      port: given.port,
      domain: given.domain,
      ...((given.https || given.httpsPort !== undefined) && { httpsPort: given.httpsPort ?? DEFAULT_HTTPS_PORT }),
      controlPort: given.controlPort,
      idleTimeout: given.idleTimeout,
      maxProcesses: given.maxProcesses,
      memoryLimit: memoryLimit(given),
      accessLog: given.accessLog,
      onEvent: (event) => emit(event as CommandEvent),
    });
    context.settled?.();
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await server.stop();
    emit({ reason: "exit" });
  },
  showEvent: (event, output) => renderServeEvent(event as unknown as ServeEvent, output),
};

export default command;

/** @returns bytes @throws TroupeError USAGE */
function memoryLimit({ memoryLimit: text }: ServeArgs): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (!bytes) throw new TroupeError("USAGE", `--memory-limit takes a size, such as 512MB or 2GiB, not "${text}"`);
  return bytes;
}

/** @throws TroupeError USAGE */
function checkNumbers(given: ServeArgs): void {
  for (const [flag, value] of [
    ["--port", given.port],
    ["--https-port", given.httpsPort],
    ["--control-port", given.controlPort],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= 65535)) {
      throw new TroupeError("USAGE", `${flag} takes a number from 0 to 65535, not ${value}`);
    }
  }
  if (given.idleTimeout !== undefined && !(given.idleTimeout > 0)) {
    throw new TroupeError("USAGE", "--idle-timeout takes seconds, more than 0");
  }
  if (given.maxProcesses !== undefined && !(Number.isInteger(given.maxProcesses) && given.maxProcesses > 0)) {
    throw new TroupeError("USAGE", "--max-processes takes a whole number, more than 0");
  }
  if (!given.domain.split(".").every((label) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(label))) {
    throw new TroupeError("USAGE", `--domain takes a domain name, not "${given.domain}"`);
  }
}
