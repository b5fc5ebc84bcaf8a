import { showEnvironment } from "../../ops/environments.ts";
import { flat } from "../../ops/settings.ts";
import type { Command } from "../command.ts";
import { ago, targetSelection } from "../target-input.ts";

type Detail = Awaited<ReturnType<typeof showEnvironment>>;

const command: Command<{ name: string }, Detail> = {
  positionals: [{ name: "name", type: "string", names: "env", describe: "The environment" }],
  run: (args, context) => showEnvironment(targetSelection(args, context), args.name),
  show(detail, output) {
    const { style } = output;
    const { service, name, url, routes, active, secrets, settings, base, boundBy } = detail;
    output.line(`${style.bold(`${service}@${name}`)}${detail.protected ? style.dim(" (protected)") : ""}`);
    const line = (what: string, value: string) => output.line(`  ${style.dim(what.padEnd(10))} ${value}`);
    line("url", url ?? (routes.length > 0 ? "none: it has routes" : "none: it is private"));
    if (routes.length > 0) line("routes", routes.join(", "));
    if (base !== undefined) line("from", base);
    if (!active) line("version", "none yet");
    else {
      const when = ago(active.createdAt, new Date());
      line("version", `${active.number} by ${active.source}, ${when}${active.message ? `: ${active.message}` : ""}`);
      if (active.git?.commit)
        line(
          "git",
          [active.git.commit.slice(0, 10), active.git.branch, active.git.dirty && "dirty"].filter(Boolean).join(" "),
        );
      line("bindings", active.environment.bindings.map((binding) => binding.name).join(", ") || "none");
      if (active.environment.crons.length > 0) line("crons", active.environment.crons.join(", "));
    }
    line("secrets", secrets.map((secret) => secret.name).join(", ") || "none");
    for (const [key, value] of Object.entries(flat(settings))) line("set", `${key} = ${JSON.stringify(value)}`);
    for (const by of boundBy) line("bound by", `${by.service}@${by.environment} as ${by.binding}`);
  },
};

export default command;
