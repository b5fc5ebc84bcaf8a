import { text } from "node:stream/consumers";
import { askChoice, askSecret } from "../cli/ask.ts";
import type { Context } from "../context.ts";
import { TroupeError } from "../errors.ts";
import { login } from "../ops/login.ts";
import type { Command } from "./command.ts";

interface Args {
  tokenStdin?: boolean;
  account?: string;
}

interface Result {
  file: string;
  account: { id: string; name: string };
  email?: string;
  expiresOn?: string;
}

const command: Command<Args, Result> = {
  args: {
    "token-stdin": { type: "boolean", describe: "Read the token from stdin (it is, too, when stdin is no terminal)" },
    account: { type: "string", describe: "Id or name of the account, where the token sees several" },
  },
  examples: [
    ["troupe login", "Asks for an API token, and shows nothing of it"],
    ["troupe login --token-stdin < token.txt", "From a file or a password manager"],
  ],
  async run({ tokenStdin, account }, context) {
    const token = await tokenFrom(context, tokenStdin === true);
    const report = await login({
      processEnv: context.env,
      token,
      ...(account !== undefined && { account }),
      ...(context.interactive && {
        choose: (accounts) =>
          askChoice(context, {
            message: "Which account?",
            choices: accounts.map(({ id, name }) => ({ value: id, label: name, hint: id })),
          }),
      }),
    });
    for (const warning of report.warnings) context.report(warning);
    const { email, expiresOn } = report.identity;
    const { id, name } = report.account;
    return { file: report.file, account: { id, name }, ...(email && { email }), ...(expiresOn && { expiresOn }) };
  },
  show({ file, account, email, expiresOn }, output) {
    const { style } = output;
    const who = email === undefined ? "" : ` as ${style.bold(email)}`;
    output.line(`Logged in${who} to the account ${style.bold(account.name)} ${style.dim(account.id)}`);
    if (expiresOn) output.line(style.dim(`The token expires on ${expiresOn.slice(0, 10)}`));
    output.line(style.dim(`Kept in ${output.path(file)}`));
  },
};

/** @throws TroupeError USAGE when there is nobody to ask and nothing to read */
async function tokenFrom(context: Context, fromStdin: boolean): Promise<string> {
  if (!context.stdin.isTTY) return text(context.stdin);
  if (fromStdin || !context.interactive) {
    throw new TroupeError("USAGE", "No token: write it to stdin", {
      notes: [
        "troupe login --token-stdin < token.txt",
        "In CI, set CLOUDFLARE_API_TOKEN instead: then nobody needs to log in",
      ],
    });
  }
  const where = "https://dash.cloudflare.com/profile/api-tokens, from the template “Edit Cloudflare Workers”";
  context.stderr.write(`Make an API token at ${where}\n`);
  return askSecret(context, { message: "API token" });
}

export default command;
