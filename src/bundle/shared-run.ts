/**
 * One run of a build command for all who ask for it at the same moment: the environments of a service have the same
 * command, which writes the same files.
 */
import type { CommandResult, RunningCommand } from "../lib/run-command.ts";

export interface Ran {
  result: CommandResult;
  /** What the watched folders looked like before and after. */
  before: Map<string, number>;
  after: Map<string, number>;
}

export interface SharedRun {
  finished: Promise<Ran>;
  /** Ends the command when nobody else waits for it. */
  leave(): Promise<void>;
}

interface Entry {
  users: number;
  finished: Promise<Ran>;
  command?: RunningCommand;
}

const entries = new Map<string, Entry>();

/**
 * @param key of what is run: equal keys share a run
 * @param start starts the command
 * @param look tells what the watched folders look like
 */
export function shareRun(
  key: string,
  start: () => RunningCommand,
  look: () => Promise<Map<string, number>>,
): SharedRun {
  const known = entries.get(key);
  const entry: Entry = known ?? { users: 0, finished: undefined as never };
  entry.users++;
  if (!known) {
    entries.set(key, entry);
    entry.finished = run(entry, start, look).finally(() => forget(key, entry));
  }
  let left = false;
  return {
    finished: entry.finished,
    async leave() {
      if (left) return;
      left = true;
      entry.users--;
      if (entry.users > 0) return;
      forget(key, entry);
      await entry.command?.kill();
    },
  };
}

function forget(key: string, entry: Entry): void {
  if (entries.get(key) === entry) entries.delete(key);
}

async function run(entry: Entry, start: () => RunningCommand, look: () => Promise<Map<string, number>>): Promise<Ran> {
  const before = await look();
  entry.command = start();
  if (entry.users === 0) await entry.command.kill();
  const result = await entry.command.finished;
  return { result, before, after: await look() };
}
