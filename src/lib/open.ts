import { spawn } from "node:child_process";

/** A browser that runs in the foreground has surely opened by now, in ms. */
const LONG_ENOUGH = 2_000;

/**
 * Opens a URL with the system's browser.
 * @param env where its program is looked for
 * @returns false when there is none, or it gave up
 */
export function openUrl(url: string, env: Record<string, string | undefined>): Promise<boolean> {
  const [command, ...args] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", url]
        : ["xdg-open", url];
  return new Promise((resolve) => {
    const child = spawn(command!, args, { stdio: "ignore", detached: true, env: env as NodeJS.ProcessEnv });
    const timer = setTimeout(() => resolve(true), LONG_ENOUGH);
    timer.unref();
    const settle = (opened: boolean): void => {
      clearTimeout(timer);
      resolve(opened);
    };
    child.once("error", () => settle(false));
    child.once("exit", (code) => settle(code === 0));
    child.unref();
  });
}
