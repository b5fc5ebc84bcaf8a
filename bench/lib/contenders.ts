/** Who is compared: how each is started, and its version. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Child, startNode } from "./processes.ts";
import type { BenchWorkspace } from "./workspace.ts";

const benchDir = path.dirname(import.meta.dirname);
const modules = path.join(benchDir, "node_modules");

export const TROUPE_BIN = path.join(benchDir, "..", "dist", "bin.js");
export const WRANGLER_BIN = path.join(modules, "wrangler", "bin", "wrangler.js");

export type ContenderId = "troupe" | "wrangler" | "miniflare";

export interface Contender {
  id: ContenderId;
  title: string;
  /** Runs the services of `configs` (default: all of the workspace), the first at `port`. */
  dev(workspace: BenchWorkspace, port: number, configs?: readonly string[]): Child;
}

function configsOf(workspace: BenchWorkspace): string[] {
  return workspace.services.map((service) => service.config);
}

const troupe: Contender = {
  id: "troupe",
  title: `troupe ${versionOf(path.join(benchDir, "..", "package.json"))}`,
  dev(workspace, port, configs = configsOf(workspace)) {
    const args = [TROUPE_BIN, "dev", "--json", "--ip", "127.0.0.1", "--port", String(port)];
    return startNode([...args, ...configs.flatMap((config) => ["-c", config])], { cwd: workspace.root });
  },
};

const wrangler: Contender = {
  id: "wrangler",
  title: `Wrangler ${versionOf(path.join(modules, "wrangler", "package.json"))}`,
  dev(workspace, port, configs = configsOf(workspace)) {
    const args = [WRANGLER_BIN, "dev", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
    return startNode([...args, ...configs.flatMap((config) => ["-c", config])], {
      cwd: workspace.root,
      env: {
        WRANGLER_REGISTRY_PATH: path.join(workspace.root, "registry"),
        WRANGLER_LOG_PATH: path.join(workspace.root, "logs"),
      },
    });
  },
};

const miniflare: Contender = {
  id: "miniflare",
  title: `Miniflare ${versionOf(path.join(modules, "miniflare", "package.json"))}, bare`,
  dev: (workspace, port, configs = configsOf(workspace)) => bareMiniflare(workspace, configs, ["--port", String(port)]),
};

export const CONTENDERS: readonly Contender[] = [troupe, wrangler, miniflare];

/** Bare Miniflare with options of its own: see bare-miniflare.ts. */
export function bareMiniflare(workspace: BenchWorkspace, configs: readonly string[], args: readonly string[]): Child {
  const script = path.join(import.meta.dirname, "bare-miniflare.ts");
  return startNode([script, ...args, ...configs], { cwd: workspace.root });
}

/** The contenders that can run here. @throws Error when the repository was not built */
export function contenders(only?: readonly ContenderId[]): Contender[] {
  const wanted = CONTENDERS.filter((contender) => only === undefined || only.includes(contender.id));
  if (wanted.includes(troupe) && !existsSync(TROUPE_BIN)) {
    throw new Error(
      `${TROUPE_BIN} is missing: run \`npm run build\` in the repository's root, or leave troupe out with --only`,
    );
  }
  return wanted;
}

function versionOf(packageFile: string): string {
  return (JSON.parse(readFileSync(packageFile, "utf8")) as { version: string }).version;
}
