/** The process that wrangler.ts talks to: runs Wrangler's `main`, which nothing exports, once for each message. */
import { readFileSync } from "node:fs";
import module from "node:module";
import { Socket } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { WRANGLER as file, type WranglerAnswer, type WranglerCommand } from "./wrangler.ts";

interface CompiledModule {
  filename: string;
  paths: string[];
  exports: { main(args: string[]): Promise<void> };
  _compile(source: string, file: string): void;
}

// Node's own way of loading CommonJS, which has been there for so long that it can be relied on.
const Module = module as unknown as { new (id: string): CompiledModule; _nodeModulePaths(from: string): string[] };
const cli = new Module(file);
cli.filename = file;
cli.paths = Module._nodeModulePaths(path.dirname(file));
cli._compile(`${readFileSync(file, "utf8")}\nmodule.exports = { main };\n`, file);

let output = "";
for (const stream of [process.stdout, process.stderr]) {
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    output += Buffer.from(chunk as Uint8Array).toString();
    const done = rest.at(-1);
    if (typeof done === "function") done();
    return true;
  }) as typeof stream.write;
}

// Not Node's channel between processes: Wrangler closes that at its end.
const channel = new Socket({ fd: 3 });

createInterface({ input: channel }).on("line", async (line) => {
  const { args, cwd, env }: WranglerCommand = JSON.parse(line);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.exitCode = undefined;
  output = "";
  const thrown = await cli.exports.main(args).then(
    () => undefined,
    (error: unknown) => error ?? new Error("failed"),
  );
  const failed = thrown !== undefined || Boolean(process.exitCode);
  const answer: WranglerAnswer = { failed, output: failed ? `${output}\n${thrown}` : output };
  channel.write(`${JSON.stringify(answer)}\n`);
});
