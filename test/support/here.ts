/**
 * A command line in this process: everything that the binary does, but for starting it and loading its code, which cost more
 * than most commands. For the many ways in which one command can be asked; that the binary does the same, some tests of each
 * command show with `troupe` of cli.ts.
 */
import { Readable, Writable } from "node:stream";
import { main } from "../../src/main.ts";
import { type CliOptions, type CliResult, ROOT } from "./cli.ts";

/** Runs a command to its end, as `troupe` does with the binary: nobody is there to answer questions. */
export async function troupeHere(
  args: string[],
  { cwd = ROOT, env, input = "" }: Pick<CliOptions, "cwd" | "env" | "input"> = {},
): Promise<CliResult> {
  const stdout = collector();
  const stderr = collector();
  const code = await main(args, {
    cwd,
    env: { ...process.env, CI: undefined, FORCE_COLOR: undefined, ...env },
    stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    now: () => new Date(),
    fetch,
    signal: new AbortController().signal,
    crash: new Promise<never>(() => {}),
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** Runs a command with `--json` and gives its result; an unexpected failure throws with stderr. */
export async function troupeJsonHere<T>(args: string[], options?: Parameters<typeof troupeHere>[1]): Promise<T> {
  const { code, stdout, stderr } = await troupeHere([...args, "--json"], options);
  if (code !== 0) throw new Error(`troupe ${args.join(" ")} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

function collector(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
