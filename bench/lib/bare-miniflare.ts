/**
 * The least that can be called a dev server on Miniflare: bundle, start, watch, `setOptions`.
 * node bare-miniflare.ts --port PORT [--direct PORT] wrangler.json…
 * `--direct` opens a socket that leads straight into the first Worker, without Miniflare's entry.
 */
import { readFileSync, watch } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import * as esbuild from "esbuild";
import { Miniflare, type MiniflareOptions } from "miniflare";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string", default: "0" }, direct: { type: "string" } },
});

interface Config {
  name: string;
  main: string;
  compatibility_date: string;
  compatibility_flags?: string[];
  vars?: Record<string, string>;
  services?: { binding: string; service: string }[];
}

const workers = await Promise.all(
  positionals.map(async (file) => {
    const config = JSON.parse(readFileSync(file, "utf8")) as Config;
    const dir = path.dirname(path.resolve(file));
    const build = await esbuild.context({
      entryPoints: [path.join(dir, config.main)],
      bundle: true,
      format: "esm",
      target: "es2024",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      sourcemap: true,
      write: false,
      outdir: dir,
    });
    const bundle = async () => (await build.rebuild()).outputFiles.find((output) => output.path.endsWith(".js"))!.text;
    return { config, dir, bundle, code: await bundle() };
  }),
);

function options(): MiniflareOptions {
  return {
    host: "127.0.0.1",
    port: Number(values.port),
    cf: false,
    telemetry: { enabled: false },
    workers: workers.map(({ config, code }, index) => ({
      config: {
        name: config.name,
        compatibilityDate: config.compatibility_date,
        compatibilityFlags: config.compatibility_flags ?? [],
        manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: code } } },
        env: {
          ...Object.fromEntries(
            Object.entries(config.vars ?? {}).map(([name, value]) => [name, { type: "text", value }]),
          ),
          ...Object.fromEntries(
            (config.services ?? []).map(({ binding, service }) => [binding, { type: "worker", worker: service }]),
          ),
        },
      },
      ...(index === 0 &&
        values.direct && { dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: Number(values.direct) }] } }),
    })),
  };
}

const miniflare = new Miniflare(options());
await miniflare.ready;
console.log("ready");

let pending = Promise.resolve();
for (const worker of workers) {
  watch(worker.dir, { recursive: true }, () => {
    pending = pending.then(async () => {
      const code = await worker.bundle();
      if (code === worker.code) return;
      worker.code = code;
      await miniflare.setOptions(options());
    });
  });
}
