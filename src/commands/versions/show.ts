import { formatBytes } from "../../lib/bytes.ts";
import { showVersion } from "../../ops/history.ts";
import type { Command } from "../command.ts";
import { targetSelection } from "../target-input.ts";

type Version = Awaited<ReturnType<typeof showVersion>>;

const command: Command<{ version?: number }, Version> = {
  positionals: [{ name: "version", type: "number", describe: "Its number (default: the active one)" }],
  run: (args, context) => showVersion(targetSelection(args, context), args.version),
  show(version, output) {
    const { style } = output;
    const { ref, number, active, source, createdAt, author, message, tag, git, modules, secrets, environment } =
      version;
    output.line(
      `${style.bold(`${ref.service}@${ref.environment}`)} version ${number}${active ? style.green(" active") : ""}`,
    );
    const line = (what: string, value: string | undefined) =>
      value && output.line(`  ${style.dim(what.padEnd(10))} ${value}`);
    line("made", `${createdAt} by ${source}${author ? `, ${author}` : ""}`);
    line("tag", tag);
    line("message", message);
    line("git", git && [git.commit, git.branch, git.dirty && "dirty"].filter(Boolean).join(" "));
    line("hash", version.contentHash);
    line("date", environment.compatibilityDate);
    line("bindings", environment.bindings.map(({ name }) => name).join(", "));
    line("secrets", Object.keys(secrets).join(", "));
    output.table(
      ["MODULE", "TYPE", "SIZE"],
      modules.map(({ name, type, size }) => [name, type, formatBytes(size)]),
    );
  },
};

export default command;
