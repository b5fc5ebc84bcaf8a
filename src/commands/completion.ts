import { COMPLETION_SCRIPTS, SHELLS, type Shell } from "../cli/completion-scripts.ts";
import type { Command } from "./command.ts";

const command: Command<{ shell: Shell }, { shell: Shell; script: string }> = {
  positionals: [{ name: "shell", choices: SHELLS, describe: SHELLS.join(", ") }],
  examples: [
    ['eval "$(troupe completion bash)"', "In ~/.bashrc"],
    ['eval "$(troupe completion zsh)"', "In ~/.zshrc, after compinit"],
    ["troupe completion fish > ~/.config/fish/completions/troupe.fish", ""],
  ],
  run: async ({ shell }) => ({ shell, script: COMPLETION_SCRIPTS[shell] }),
  show: ({ script }, output) => output.line(script.trimEnd()),
};

export default command;
