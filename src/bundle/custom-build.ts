/** `[build] command`: runs before bundling, and again when something in its `watch_dir` changed. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { TroupeError } from "../errors.ts";
import { type RunningCommand, runCommand } from "../lib/run-command.ts";
import { listFiles } from "./additional-modules.ts";
import { type Project, settingLocation } from "./project.ts";
import { type SharedRun, shareRun } from "./shared-run.ts";

/** How much of a failed command's output the error shows. */
const SHOWN_LINES = 40;

/** `[build] command`: runs before bundling, and again when something below `watch_dir` has changed. */
export class CustomBuild {
  #project: Project;
  #command: string;
  #cwd: string;
  #watchDirs: string[];
  #running: SharedRun | undefined;
  #succeeded = false;
  #disposed = false;
  /** Files below the watched folders that the last run, and those that the last two runs, wrote. */
  #written = new Set<string>();
  #products = new Set<string>();

  constructor(project: Project, custom: NonNullable<Project["settings"]["custom"]>) {
    this.#project = project;
    this.#command = custom.command.trim();
    this.#cwd = custom.cwd;
    this.#watchDirs = custom.watchDir;
  }

  get watchDirs(): string[] {
    return this.#watchDirs;
  }

  /**
   * Runs the command if its output may be out of date.
   * @param changed as in `Bundler.build`
   * @throws TroupeError BUILD with the end of its output when it fails
   */
  async run(changed: readonly string[] | undefined): Promise<void> {
    if (this.#succeeded && changed && !changed.some((file) => this.#isInput(file))) return;
    this.#succeeded = false;
    const { options } = this.#project;
    const env = options.processEnv && {
      ...options.processEnv,
      WRANGLER_COMMAND: options.mode === "development" ? "dev" : "deploy",
    };
    // Environments of one service have the same command, and build side by side.
    const key = JSON.stringify([this.#command, this.#cwd, this.#watchDirs, options.mode]);
    const start = (): RunningCommand =>
      runCommand(this.#command, {
        cwd: this.#cwd,
        ...(env && { env: withLocalBins(env, this.#cwd) }),
        onLine: options.onCommandOutput,
      });
    this.#running = shareRun(key, start, () => this.#stamps());
    if (this.#disposed) await this.#running.leave();
    const { result, before, after } = await this.#running.finished;
    this.#running = undefined;
    this.#noteWritten(before, after);
    if (result.exitCode === 0) {
      this.#succeeded = true;
      return;
    }
    const why = result.error
      ? `could not start: ${result.error.message}`
      : result.signal
        ? `was ended by ${result.signal}`
        : `failed with exit code ${result.exitCode}`;
    const message = `The build command \`${this.#command}\` ${why}`;
    const location = await settingLocation(this.#project, "build.command");
    const notes = result.output.length > 0 ? [["It printed:", ...result.output.slice(-SHOWN_LINES)].join("\n")] : [];
    throw new TroupeError("BUILD", message, {
      location,
      notes,
      diagnostics: [{ severity: "error", code: "build-command", message, location, notes }],
    });
  }

  /** Ends a running command with its children. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#running?.leave();
  }

  #isInput(file: string): boolean {
    if (this.#products.has(file)) return false;
    return this.#watchDirs.some((folder) => file === folder || file.startsWith(folder + path.sep));
  }

  /**
   * A command that writes below its own `watch_dir` must not trigger itself for ever. What one run wrote may also be
   * somebody's save at that moment and counts as a change; what two runs on end wrote is the command's product.
   */
  #noteWritten(before: Map<string, number>, after: Map<string, number>): void {
    const written = new Set<string>();
    for (const [file, stamp] of after) if (before.get(file) !== stamp) written.add(file);
    for (const file of written) if (this.#written.has(file)) this.#products.add(file);
    this.#written = written;
  }

  async #stamps(): Promise<Map<string, number>> {
    const skip = (name: string) => name === "node_modules" || name === ".git";
    const files = (await Promise.all(this.#watchDirs.map((folder) => listFiles(folder, skip)))).flat();
    const stamps = await Promise.all(
      files.map(async (file) => [file, (await stat(file).catch(() => undefined))?.mtimeMs ?? 0] as const),
    );
    return new Map(stamps);
  }
}

/** As npm scripts have it: the commands of installed packages are found, those of the nearest folder first. */
function withLocalBins(env: Record<string, string | undefined>, cwd: string): Record<string, string | undefined> {
  const bins: string[] = [];
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    bins.push(path.join(folder, "node_modules", ".bin"));
    if (folder === path.dirname(folder)) break;
  }
  return { ...env, PATH: [...bins, env.PATH].filter((part) => part !== undefined).join(path.delimiter) };
}
