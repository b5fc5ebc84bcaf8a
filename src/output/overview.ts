/** `troupe --help` and `troupe env --help`: commands by what people want to do. */
import type { Output } from "./output.ts";

interface Listed {
  command: string;
  describe: string;
  group: string;
}

/** @param flags lines about flags, [flag, what it does] */
export function renderOverview(
  commands: readonly Listed[],
  { title, usage, flags, more }: { title: string; usage: string; flags: [string, string][]; more: string[] },
  output: Output,
): void {
  const { style } = output;
  const width = Math.max(...commands.map(({ command }) => command.length), ...flags.map(([flag]) => flag.length)) + 3;
  const row = (left: string, right: string) => output.line(`  ${style.cyan(left.padEnd(width))}${right}`);

  output.line(title);
  output.line();
  output.line(`${style.bold("Usage:")} ${usage}`);
  for (const group of new Set(commands.map((command) => command.group))) {
    output.line();
    output.line(style.bold(`${group}:`));
    for (const { command, describe } of commands.filter((one) => one.group === group)) row(command, describe);
  }
  output.line();
  output.line(style.bold("Flags of every command:"));
  for (const [flag, does] of flags) row(flag, does);
  output.line();
  for (const line of more) output.line(line);
}
