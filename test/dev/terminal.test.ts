/** `dev` on a terminal made of streams: its keys, what it says without a browser, and crons by a clock of our own. */
import { chmodSync, readFileSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { main } from "../../src/main.ts";
import { testFolder, writeFiles } from "../support/files.ts";

const APP = {
  "troupe.toml": `name = "app"\nmain = "main.ts"\ncompatibility_date = "2026-11-01"\n[triggers]\ncrons = ["* * * * *"]\n`,
  "main.ts": `export default {
  fetch: () => new Response("ok"),
  scheduled: ({ cron, scheduledTime }) => console.log("handler of", cron, new Date(scheduledTime).toISOString()),
};\n`,
};
/** Writes down where it is sent, in its own folder. */
const BROWSER = '#!/bin/sh\nprintf %s "$1" > "$(dirname "$0")/opened"\n';

interface Terminal {
  /** Everything shown so far, without colours. */
  shown(): string;
  press(key: string): void;
  /** The exit code, when it has ended. */
  ended: Promise<number>;
}

interface DevWorld {
  env?: object;
  now?(): Date;
  suspend?(resumed: () => void): void;
  /** Gets every switch of the terminal's raw mode. */
  raw?: boolean[];
}

function dev(cwd: string, args: string[], { env = {}, now = () => new Date(), suspend, raw = [] }: DevWorld = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
  let said = "";
  for (const stream of [stdout, stderr]) {
    stream.on("data", (chunk) => {
      said += chunk;
    });
  }
  const abort = new AbortController();
  const { PATH } = process.env;
  const ended = main(["dev", "--port", "0", ...args], {
    cwd,
    env: { PATH, ...env },
    stdin,
    stdout,
    stderr,
    now,
    fetch,
    suspend,
    signal: abort.signal,
    crash: new Promise<never>(() => {}),
  });
  onTestFinished(async () => {
    abort.abort();
    await ended;
    expect([raw[0], raw.at(-1)]).toEqual([true, false]);
  });
  const terminal: Terminal = {
    shown: () => stripVTControlCharacters(said),
    press: (key) => void stdin.write(key),
    ended,
  };
  return terminal;
}

async function ready(terminal: Terminal): Promise<string> {
  await expect.poll(terminal.shown).toContain("q quit");
  return /http:\/\/localhost:\d+/.exec(terminal.shown())![0];
}

it("reacts to keys", async () => {
  const cwd = testFolder({
    ...APP,
    "troupe.toml": `${APP["troupe.toml"]}[vars]\nCOLOUR = "blue"\n`,
    "bin/xdg-open": BROWSER,
    "bin/open": BROWSER,
  });
  for (const name of ["xdg-open", "open"]) chmodSync(path.join(cwd, "bin", name), 0o755);
  const terminal = dev(cwd, [], { env: { PATH: `${cwd}/bin:${process.env.PATH}` } });
  const url = await ready(terminal);
  const times = (text: string) => terminal.shown().split(text).length - 1;

  // Keys that come together count each; what starts with Escape is a key of its own, whatever letter it ends with.
  terminal.press("\u001b[b");
  terminal.press("xb");
  await expect.poll(() => times('COLOUR  "blue"')).toBe(2);
  terminal.press("r");
  await expect.poll(() => times("reloaded in")).toBe(1);
  terminal.press("o");
  await expect.poll(() => read(path.join(cwd, "bin/opened"))).toBe(url);
  terminal.press("q");
  expect(await terminal.ended).toBe(0);
  expect(terminal.shown()).not.toContain("browser");
});

it("stops at Ctrl-Z with the terminal as it was, and reads keys again when it goes on", async () => {
  const raw: boolean[] = [];
  let resume = (): void => {};
  const terminal = dev(testFolder(APP), [], {
    raw,
    suspend: (resumed) => {
      resume = resumed;
    },
  });
  await ready(terminal);
  terminal.press("\u001a");
  await expect.poll(() => raw).toEqual([true, false]);
  resume();
  expect(raw).toEqual([true, false, true]);
  terminal.press("q");
  expect(await terminal.ended).toBe(0);
});

it("ends at Ctrl-C, which a terminal gives as a key", async () => {
  const terminal = dev(testFolder(APP), []);
  await ready(terminal);
  terminal.press("\u0003");
  expect(await terminal.ended).toBe(0);
});

it.each(["missing", "failing"])("says the address when the browser is %s", async (browser) => {
  const cwd = testFolder({ ...APP, "bin/.keep": "" });
  if (browser === "failing") {
    for (const name of ["xdg-open", "open"]) {
      writeFiles(cwd, { [`bin/${name}`]: "#!/bin/sh\nexit 3\n" });
      chmodSync(path.join(cwd, "bin", name), 0o755);
    }
  }
  const terminal = dev(cwd, ["--open"], { env: { PATH: `${cwd}/bin` } });
  const url = await ready(terminal);
  await expect.poll(terminal.shown).toContain(`No browser could be opened; the address is ${url}`);
  terminal.press("q");
});

it("marks an error once, however many lines it has, and shows what a build command prints once", async () => {
  const cwd = testFolder({
    "troupe.toml": `name = "app"\nmain = "out.js"\ncompatibility_date = "2026-11-01"\n[build]\ncommand = "echo copying && cp src/main.js out.js"\n`,
    "src/main.js": `console.error("first\\nsecond\\nthird");\nconsole.warn("one\\ntwo");\nexport default { fetch: () => new Response("ok") };\n`,
  });
  const terminal = dev(cwd, []);
  await ready(terminal);
  await expect.poll(terminal.shown).toContain("two");
  expect(terminal.shown()).toContain("[app] ✖ first\n[app]   second\n[app]   third\n");
  expect(terminal.shown()).toContain("[app] ▲ one\n[app]   two\n");
  expect(terminal.shown().match(/copying/g)).toHaveLength(1);
  terminal.press("q");
});

it("shows what a failing build command prints once, too, and what caused an exception", async () => {
  const config = `name = "app"\nmain = "main.js"\ncompatibility_date = "2026-11-01"\n`;
  const cwd = testFolder({
    "troupe.toml": `${config}[build]\ncommand = "echo half way && exit 3"\n`,
    "main.js": `export default { fetch() { throw new Error("outer", { cause: new RangeError("inner") }); } };\n`,
  });
  const terminal = dev(cwd, []);
  await expect.poll(terminal.shown).toContain("failed with exit code 3");
  await expect.poll(terminal.shown).toContain("Waiting for a change.");
  // In the command, where it is quoted twice, and as its output.
  expect(terminal.shown().match(/(?<!echo )half way/g)).toHaveLength(1);
  writeFiles(cwd, { "troupe.toml": config });
  await expect.poll(terminal.shown).toContain("ready in");
  await fetch(/http:\/\/localhost:\d+/.exec(terminal.shown())![0]);
  await expect.poll(terminal.shown).toContain("caused by RangeError: inner");
  terminal.press("q");
});

it("fires crons when the clock says so", async () => {
  // Half a second before a full minute, from the first look on.
  let start: number | undefined;
  const now = (): Date => {
    start ??= Date.now();
    return new Date(Date.parse("2026-11-21T10:00:59.500Z") + Date.now() - start);
  };
  const terminal = dev(testFolder(APP), ["--cron"], { now });
  await ready(terminal);
  await expect.poll(terminal.shown).toContain("handler of * * * * * 2026-11-21T10:01:00.000Z");
  await expect.poll(terminal.shown).toContain("[app] scheduled * * * * * ok");
  terminal.press("q");
});

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
