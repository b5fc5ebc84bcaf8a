/** The services that are measured, written into a temporary folder. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export interface BenchService {
  name: string;
  dir: string;
  config: string;
}

export interface BenchWorkspace {
  root: string;
  services: BenchService[];
  remove(): void;
}

interface ServiceSource {
  name: string;
  config: Record<string, unknown>;
  /** Path below the service's folder → text. */
  files: Record<string, string>;
}

export const COMPATIBILITY_DATE = "2026-11-01";

/**
 * `count` services; the first binds all others and answers with what the last one says.
 * Change the answer with `saveMessage`.
 */
export function starWorkspace(count: number, message: string): BenchWorkspace {
  const names = Array.from({ length: count }, (_, index) => `service-${index + 1}`);
  const last = names.at(-1)!;
  return writeWorkspace(
    names.map((name, index) => ({
      name,
      config:
        index === 0
          ? { services: names.slice(1).map((other) => ({ binding: bindingName(other), service: other })) }
          : {},
      files: {
        "src/index.ts": index === 0 ? gatewaySource(bindingName(last)) : WORKER_SOURCE,
        "src/message.ts": messageSource(message),
        "src/router.ts": ROUTER_SOURCE,
      },
    })),
  );
}

/** Makes the last service say something else. */
export function saveMessage(workspace: BenchWorkspace, message: string): void {
  writeFileSync(path.join(workspace.services.at(-1)!.dir, "src/message.ts"), messageSource(message));
}

/** Each service in a folder of its own with a `wrangler.json`, and a `troupe.toml` at the root that lists them. */
export function writeWorkspace(services: readonly ServiceSource[]): BenchWorkspace {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), "troupe-bench-")));
  const members = services.map((service) => `"${service.name}"`).join(", ");
  writeAged(path.join(root, "troupe.toml"), `[workspace]\nmembers = [${members}]\n`);
  return {
    root,
    services: services.map(({ name, config, files }) => {
      const dir = path.join(root, name);
      const configFile = path.join(dir, "wrangler.json");
      const full = { name, main: "src/index.ts", compatibility_date: COMPATIBILITY_DATE, ...config };
      writeAged(configFile, `${JSON.stringify(full, null, 2)}\n`);
      for (const [file, text] of Object.entries(files)) writeAged(path.join(dir, file), text);
      return { name, dir, config: configFile };
    }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** An hour old, so that no watcher takes it for a fresh change. */
function writeAged(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(file, anHourAgo, anHourAgo);
}

export function bindingName(service: string): string {
  return service.toUpperCase().replaceAll("-", "_");
}

function messageSource(message: string): string {
  return `export const message: string = ${JSON.stringify(message)};\n`;
}

const ROUTER_SOURCE = `export type Handler = (request: Request) => Promise<Response> | Response;

export function route(request: Request, routes: Record<string, Handler>): Promise<Response> | Response {
  const handler = routes[new URL(request.url).pathname];
  return handler ? handler(request) : new Response("not found", { status: 404 });
}
`;

const WORKER_SOURCE = `import { message } from "./message";
import { route } from "./router";

export default {
  fetch(request: Request) {
    return route(request, { "/": () => new Response(message) });
  },
};
`;

function gatewaySource(binding: string): string {
  return `import { message } from "./message";
import { route } from "./router";

interface Env {
  ${binding}: { fetch(request: Request): Promise<Response> };
}

export default {
  fetch(request: Request, env: Env) {
    return route(request, {
      "/": () => env.${binding}.fetch(request),
      "/own": () => new Response(message),
    });
  },
};
`;
}
