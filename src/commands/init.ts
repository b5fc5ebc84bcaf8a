import path from "node:path";
import { askChoice, askText, askYesNo } from "../cli/ask.ts";
import type { Context } from "../context.ts";
import { execCommand } from "../lib/package-manager.ts";
import { type InitResult, init, isInRepository } from "../ops/init/index.ts";
import { TEMPLATE_NAMES, TEMPLATES, type TemplateName } from "../ops/init/templates.ts";
import type { Command } from "./command.ts";

interface InitArgs {
  dir?: string;
  template?: TemplateName;
  git?: boolean;
  install?: boolean;
  yes: boolean;
}

const command: Command<InitArgs, InitResult> = {
  args: {
    template: { choices: TEMPLATE_NAMES, describe: "What to start with; hello where nobody can be asked" },
    git: { type: "boolean", describe: "Make a git repository, unless there is one (--no-git: never)" },
    install: { type: "boolean", describe: "Install the packages (--no-install: don't)" },
  },
  positionals: [{ name: "dir", describe: "Folder for the project (default: this one)" }],
  examples: [
    ["troupe init my-service", "Asks what it has to know"],
    ["troupe init shop --template gateway -y", "Asks nothing"],
  ],
  async run(given, context) {
    const { dir, template, git, install } = await decide(given, context);
    return init({
      dir: path.resolve(context.cwd, dir),
      template,
      git,
      install,
      processEnv: context.env,
      onProgress: context.json ? undefined : (line) => context.stderr.write(`${line}\n`),
    });
  },
  show({ dir, template, files, git, installed, packageManager }, output) {
    const { style } = output;
    const where = output.path(dir);
    output.line(`${style.green("✔")} ${style.bold(template)} is ready in ${where === "." ? "this folder" : where}`);
    for (const file of files) output.line(style.dim(`  ${file}`));
    if (git) output.line(style.dim("  (a new git repository)"));
    output.line();
    output.line("Next:");
    if (where !== ".") output.line(`  cd ${/^[\w./~-]+$/.test(where) ? where : `"${where}"`}`);
    if (!installed) output.line(`  ${packageManager} install`);
    output.line(`  ${execCommand(packageManager)} troupe dev`);
  },
};

export default command;

/** What was not said: asked for where somebody can answer; else what does the least. */
async function decide(given: InitArgs, context: Context): Promise<Required<Omit<InitArgs, "yes">>> {
  if (!context.interactive || given.yes) {
    const { dir = ".", template = "hello", git = true, install = given.yes } = given;
    return { dir, template, git, install };
  }
  const dir = given.dir ?? (await askText(context, { message: "Where? (. is this folder)", initial: "." }));
  const template =
    given.template ??
    (await askChoice(context, {
      message: "What to start with?",
      choices: TEMPLATE_NAMES.map((value) => ({ value, hint: TEMPLATES[value] })),
    }));
  const git =
    given.git ??
    (!(await isInRepository(path.resolve(context.cwd, dir))) &&
      (await askYesNo(context, { message: "Make a git repository?" })));
  const install = given.install ?? (await askYesNo(context, { message: "Install the packages?" }));
  return { dir, template, git, install };
}
