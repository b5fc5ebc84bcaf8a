import type { Options } from "yargs";
import type { Context } from "../context.ts";
import { TroupeError } from "../errors.ts";
import { startDev } from "../ops/dev/index.ts";
import type { DevEvent, DevOptions } from "../ops/dev/types.ts";
import { renderDevEvent } from "../output/dev.ts";
import type { Command, CommandEvent, CommonArgs } from "./command.ts";
import { FOREIGN_FLAGS, type ForeignFlags, foreignWarnings } from "./dev-foreign.ts";
import { KEYS, listenToKeys, openFirst } from "./dev-keys.ts";
import { isShown, LOG_LEVELS, type LogLevel } from "./dev-log-level.ts";

/** Names are those of `wrangler dev`, as far as they mean something locally. */
const args = {
  port: {
    type: "number",
    describe: "Port to listen on; taken is an error (default: 8787 or the next free one; 0: any)",
  },
  ip: { type: "string", describe: "Address to listen on (default: 127.0.0.1)" },
  expose: { type: "string", array: true, describe: "Give private services a hostname too (no name: all of them)" },
  var: { type: "string", array: true, describe: "Set a variable, KEY:VALUE, over the config" },
  "env-file": {
    type: "string",
    array: true,
    describe: "Load variables from these files instead of .dev.vars and .env",
  },
  "persist-to": { type: "string", describe: "Folder for data (default: .troupe/data/dev)" },
  persist: { type: "boolean", default: true, describe: "Keep data between runs (--no-persist: in memory)" },
  inspect: {
    type: "boolean",
    describe: "Open the inspector for Chrome DevTools or VS Code (port 9229 or the next free one)",
  },
  "inspector-port": { type: "number", describe: "Open the inspector on this port (0: any)" },
  cron: { type: "boolean", describe: "Fire cron triggers on their schedule" },
  "test-scheduled": { type: "boolean", describe: "Run the scheduled handler at /__scheduled too" },
  "live-reload": { type: "boolean", describe: "Reload HTML pages in the browser after a change" },
  watch: { type: "boolean", default: true, describe: "Reload when files change" },
  "local-protocol": { choices: ["http", "https"], describe: "Protocol to listen with" },
  "https-key-path": { type: "string", describe: "Private key for https (PEM)" },
  "https-cert-path": { type: "string", describe: "Certificate for https (PEM)" },
  assets: { type: "string", describe: "Folder of static assets, over the config's" },
  "compatibility-date": { type: "string", describe: "Over the config" },
  "compatibility-flag": { type: "string", array: true, alias: "compatibility-flags", describe: "Over the config" },
  define: { type: "string", array: true, describe: "Replace a global while bundling, KEY:VALUE" },
  alias: { type: "string", array: true, describe: "Replace a module while bundling, NAME:PATH" },
  minify: { type: "boolean", describe: "Minify the code" },
  bundle: { type: "boolean", describe: "Bundle the code (--no-bundle: run it as it is)" },
  tsconfig: { type: "string", describe: "Path of tsconfig.json" },
  "jsx-factory": { type: "string", describe: "Function called for a JSX element" },
  "jsx-fragment": { type: "string", describe: "Function called for a JSX fragment" },
  open: { type: "boolean", describe: "Open the first service in the browser" },
  "show-interactive-dev-session": { type: "boolean", default: true, describe: "React to keys (on a terminal)" },
  "log-level": { choices: LOG_LEVELS, describe: "Show no more than this (default: everything)" },
  types: { type: "boolean", describe: 'Write the types first, as "troupe types" does' },
  ...FOREIGN_FLAGS,
} satisfies Record<string, Options>;

interface DevArgs extends ForeignFlags {
  script?: string;
  port?: number;
  ip?: string;
  expose?: string[];
  var?: string[];
  envFile?: string[];
  persistTo?: string;
  persist: boolean;
  inspect?: boolean;
  inspectorPort?: number;
  cron?: boolean;
  testScheduled?: boolean;
  liveReload?: boolean;
  watch: boolean;
  localProtocol?: "http" | "https";
  httpsKeyPath?: string;
  httpsCertPath?: string;
  compatibilityDate?: string;
  compatibilityFlag?: string[];
  define?: string[];
  alias?: string[];
  minify?: boolean;
  bundle?: boolean;
  assets?: string;
  logLevel?: LogLevel;
  types?: boolean;
  tsconfig?: string;
  jsxFactory?: string;
  jsxFragment?: string;
  open?: boolean;
  showInteractiveDevSession: boolean;
}

const command: Command<DevArgs, void> = {
  args,
  positionals: [{ name: "script", type: "string", describe: "Entry file, over the config's main" }],
  examples: [
    ["troupe dev", "The service of this folder, or the whole workspace"],
    ["troupe dev -s gateway", "One service and what it binds"],
    ["troupe dev -e staging --port 3000", "Another environment, on a port of your choice"],
    ["troupe dev --expose auth", "Reach a private service from outside"],
  ],
  async run(given, context, emit) {
    for (const diagnostic of foreignWarnings(given)) emit({ reason: "warning", diagnostic });
    if (given.types) await writeTypesFirst(given, context);
    const server = await startDev({
      ...devOptions(given, context.cwd, context.env),
      // Whoever watches, or can press "r", gets another try.
      keepGoing: given.watch || hasKeys(given, context),
      signal: context.signal,
      now: () => context.now().getTime(),
      onEvent: (event) => emit(event as CommandEvent),
    });
    context.settled?.();
    const stopped = new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener("abort", () => resolve(), { once: true });
      if (hasKeys(given, context)) {
        listenToKeys(context, server, { emit, quit: resolve });
        emit({ reason: "keys", keys: KEYS });
      }
    });
    if (given.open) await openFirst(context, server, emit);
    await stopped;
    await server.stop();
    emit({ reason: "exit" });
  },
  showEvent(event, output, { logLevel }) {
    const known = event as unknown as DevEvent;
    if (isShown(known, logLevel)) renderDevEvent(known, output);
  },
};

export default command;

/** Whether somebody sits at a terminal whose keys count. */
function hasKeys({ showInteractiveDevSession }: DevArgs, { interactive, json }: Context): boolean {
  return interactive && !json && showInteractiveDevSession;
}

function devOptions(
  given: DevArgs & CommonArgs,
  cwd: string,
  processEnv: Record<string, string | undefined>,
): DevOptions {
  return {
    cwd,
    processEnv,
    config: given.config,
    env: given.env,
    service: given.service,
    stateDir: given.stateDir,
    ip: given.ip,
    port: given.port,
    expose: given.expose?.length === 0 ? true : given.expose,
    vars: pairs(given.var, "--var"),
    envFiles: given.envFile,
    persistTo: given.persist ? given.persistTo : false,
    inspect: given.inspect,
    inspectorPort: given.inspectorPort,
    testScheduled: given.testScheduled,
    cron: given.cron,
    liveReload: given.liveReload,
    watch: given.watch,
    httpsPaths: httpsPaths(given),
    overrides: {
      main: given.script,
      compatibilityDate: given.compatibilityDate,
      compatibilityFlags: given.compatibilityFlag,
      ...(given.define && { define: pairs(given.define, "--define") }),
      ...(given.alias && { alias: pairs(given.alias, "--alias") }),
      ...(given.minify !== undefined && { minify: given.minify }),
      ...(given.bundle !== undefined && { noBundle: !given.bundle }),
      ...(given.assets !== undefined && { assets: given.assets }),
      ...(given.tsconfig !== undefined && { tsconfig: given.tsconfig }),
      ...(given.jsxFactory !== undefined && { jsxFactory: given.jsxFactory }),
      ...(given.jsxFragment !== undefined && { jsxFragment: given.jsxFragment }),
    },
  };
}

function httpsPaths(given: DevArgs): DevOptions["httpsPaths"] {
  const { httpsKeyPath: key, httpsCertPath: cert } = given;
  if ((key === undefined) !== (cert === undefined)) {
    throw new TroupeError("USAGE", "--https-key-path and --https-cert-path go together");
  }
  if (key) return { key, cert };
  if (given.localProtocol === undefined) return undefined;
  return given.localProtocol === "https" ? {} : false;
}

/** `KEY:VALUE` flags, as Wrangler writes them; the value may hold colons. */
function pairs(given: string[] | undefined, flag: string): Record<string, string> | undefined {
  if (!given) return undefined;
  return Object.fromEntries(
    given.map((pair) => {
      const colon = pair.indexOf(":");
      if (colon <= 0) throw new TroupeError("USAGE", `${flag} takes KEY:VALUE, not "${pair}"`);
      return [pair.slice(0, colon), pair.slice(colon + 1)];
    }),
  );
}

async function writeTypesFirst(
  { envFile, env, config, service }: DevArgs & CommonArgs,
  context: Context,
): Promise<void> {
  const { writeTypes } = await import("../ops/types/index.ts");
  const { cwd, env: processEnv, signal } = context;
  const { warnings } = await writeTypes({ cwd, processEnv, signal, env, config, service, envFiles: envFile });
  for (const warning of warnings) context.report(warning);
}
