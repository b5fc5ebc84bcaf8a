import { logout } from "../ops/login.ts";
import type { Command } from "./command.ts";

const command: Command<object, { file: string; loggedOut: boolean }> = {
  async run(_args, context) {
    const result = await logout(context.env);
    if (context.env.CLOUDFLARE_API_TOKEN) {
      context.report({
        severity: "warning",
        code: "token-from-environment",
        message: "CLOUDFLARE_API_TOKEN is set, and goes on being used",
        notes: ["Unset it to be logged out"],
      });
    }
    return result;
  },
  show({ loggedOut }, output) {
    if (!loggedOut) return output.line("Nobody was logged in.");
    output.line("Logged out: the token was deleted from this machine.");
    output.note(output.style.dim("It is valid until it is revoked: https://dash.cloudflare.com/profile/api-tokens"));
  },
};

export default command;
