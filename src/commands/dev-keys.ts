/** The keys of `dev` on a terminal: o, b, r, c, q. */
import type { Context } from "../context.ts";
import type { DevServer } from "../ops/dev/types.ts";
import type { CommandEvent } from "./command.ts";

export const KEYS: [key: string, does: string][] = [
  ["o", "open"],
  ["b", "bindings"],
  ["r", "restart"],
  ["c", "clear"],
  ["q", "quit"],
];

/** Reads single keys until one of them quits or the command is aborted; then the terminal is as it was. */
export function listenToKeys(
  context: Context,
  server: DevServer,
  actions: { emit(event: CommandEvent): void; quit(): void },
): void {
  const { stdin, stdout } = context;
  if (!stdin.isTTY || !stdin.setRawMode) return;
  stdin.setRawMode(true);
  stdin.resume();
  stdin.setEncoding("utf8");
  let finished = false;
  const finish = (): void => {
    finished = true;
    stdin.setRawMode?.(false);
    stdin.pause();
    actions.quit();
  };
  context.signal.addEventListener("abort", finish, { once: true });
  const press = (key: string): void => {
    if (key === "o") void openFirst(context, server, actions.emit);
    if (key === "b") actions.emit({ reason: "graph", graph: server.view() });
    if (key === "r") void server.reload();
    if (key === "c") stdout.write("\u001b[2J\u001b[3J\u001b[H");
    // Raw mode swallows Ctrl-Z, and Ctrl-C and Ctrl-D.
    if (key === "\u001a" && context.suspend) {
      stdin.setRawMode?.(false);
      context.suspend(() => stdin.setRawMode?.(!finished));
    }
    if (key === "q" || key === "\u0003" || key === "\u0004") finish();
  };
  stdin.on("data", (typed: string) => {
    // Arrows and the like come as one sequence; fast typing comes in one piece, too.
    if (!typed.startsWith("\u001b")) for (const key of typed) press(key);
  });
}

/** Opens the first service; where there is no browser, its address is told. */
export async function openFirst(
  { env }: Context,
  { url }: DevServer,
  emit: (event: CommandEvent) => void,
): Promise<void> {
  const { openUrl } = await import("../lib/open.ts");
  if (await openUrl(url, env)) return;
  const message = `No browser could be opened; the address is ${url}`;
  emit({ reason: "warning", diagnostic: { severity: "warning", code: "no-browser", message } });
}
