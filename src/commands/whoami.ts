import { whoami } from "../ops/login.ts";
import type { Output } from "../output/output.ts";
import type { Command } from "./command.ts";
import { targetSelection } from "./target-input.ts";

interface Result {
  source: string;
  file?: string;
  api: string;
  tokenType: "user" | "account";
  tokenId?: string;
  tokenName?: string;
  expiresOn?: string;
  email?: string;
  accounts: { id: string; name: string; roles?: string[] }[];
  accountId?: string;
  permissions?: string[];
}

const command: Command<object, Result> = {
  async run(args, context) {
    const { warnings, ...result } = await whoami(targetSelection(args, context));
    for (const warning of warnings) context.report(warning);
    return result;
  },
  show(result, output) {
    const { style } = output;
    const { email, tokenType, tokenName, expiresOn, source, file, accounts, accountId } = result;
    output.line(email ? `Logged in as ${style.bold(email)}` : `Logged in with a token of ${anOwner(tokenType)}`);
    const about = [
      `${tokenType} token${tokenName === undefined ? "" : ` “${tokenName}”`}`,
      `from ${file === undefined ? source : output.path(file)}`,
      ...(expiresOn ? [`expires on ${expiresOn.slice(0, 10)}`] : []),
    ];
    output.line(style.dim(about.join(", ")));
    output.line();
    const isUsed = (id: string) => id.toLowerCase() === accountId?.toLowerCase();
    output.table(
      ["ACCOUNT", "ID", "ROLES", ""],
      accounts.map(({ id, name, roles }) => [
        style.bold(name),
        id,
        (roles ?? []).join(", "),
        isUsed(id) ? "used by commands" : "",
      ]),
    );
    if (accountId === undefined) {
      output.note(
        accounts.length > 1 ? "Set CLOUDFLARE_ACCOUNT_ID to the one that is meant." : "The token sees no account.",
      );
    }
    showPermissions(result, output);
  },
};

function showPermissions({ permissions, tokenType, accountId }: Result, { line, style }: Output): void {
  line();
  if (permissions) {
    line("It may:");
    for (const permission of permissions) line(`  ${permission}`);
    return;
  }
  const where = tokenType === "user" || accountId === undefined ? "profile" : accountId;
  line(style.dim(`What it may do, only its owner sees: https://dash.cloudflare.com/${where}/api-tokens`));
}

function anOwner(type: "user" | "account"): string {
  return type === "user" ? "a user" : "an account";
}

export default command;
