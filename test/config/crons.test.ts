/** A cron expression that never fires: told where it stands, by everything that reads the config. */
import { expect, test } from "vitest";
import { loadWorkspace } from "../../src/config/index.ts";
import { testFolder } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";

const HEAD = `name = "app"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n`;

async function warned(file: string, text: string) {
  const cwd = testFolder({ [file]: text, "index.ts": "export default {};\n" });
  const { warnings } = await loadWorkspace({ cwd, processEnv: {} });
  return warnings.map(({ code, message, location }) => `${code} ${location?.line}:${location?.column} ${message}`);
}

test("in troupe.toml, once for all environments that inherit it", async () => {
  const text = `${HEAD}[triggers]\ncrons = ["*/5 * * * *", "61 * * * *", "0 9 31 2 *"]\n[env.staging]\n`;
  expect(await warned("troupe.toml", text)).toEqual([
    expect.stringMatching(/^cron 5:25 "61 \* \* \* \*" never fires: .*minute/i),
    'cron 5:39 "0 9 31 2 *" never fires: there is no such day',
  ]);
});

test("in Wrangler's files", async () => {
  expect(await warned("wrangler.toml", `${HEAD}[env.staging.triggers]\ncrons = ["every day"]\n`)).toEqual([
    expect.stringMatching(/^cron 5:10 "every day" never fires: /),
  ]);
});

test("what the platform understands is fine", async () => {
  const crons = [
    "* * * * *",
    "0 0 29 2 *",
    "59 23 LW * *",
    "0 17 * * SUN",
    "10 7 * * MON-FRI",
    "0 15 1 * *",
    "0 18 * * 6L",
  ];
  expect(await warned("troupe.toml", `${HEAD}[triggers]\ncrons = ${JSON.stringify(crons)}\n`)).toEqual([]);
});

test("shown by commands", async () => {
  const cwd = testFolder({
    "troupe.toml": `${HEAD}[triggers]\ncrons = ["often"]\n`,
    "index.ts": "export default {};\n",
  });
  const { code, stderr } = await troupeHere(["config"], { cwd });
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: "often" never fires: [\s\S]*troupe\.toml:5:10[\s\S]*day of the week/);
});
