/** What a service is told when no Chrome can be started. Nothing is downloaded here: its folder is a file. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { testFolder } from "../support/files.ts";
import { start } from "./support.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const CODE = `export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/sessions") return env.BROWSER.fetch("https://browser/v1/sessions");
    if (pathname === "/picture") return env.BROWSER.quickAction("screenshot", { url: "http://localhost/" });
    return env.BROWSER.fetch("https://browser/v1/acquire").catch((error) => new Response(error.message));
  },
};`;

test("without a Chrome, a browser says so where it is used, in a sentence", async () => {
  const cwd = testFolder({});
  const file = path.join(cwd, "file");
  writeFileSync(file, "");
  vi.stubEnv("XDG_CACHE_HOME", file);
  vi.stubEnv("LOCALAPPDATA", file);
  const running = await start({ shop: { code: CODE, config: { browser: { binding: "BROWSER" } } } });
  try {
    const get = async (asked: string) => (await running.send("shop", asked)).text();
    const sentence = "env.BROWSER of shop@production: no Chrome could be started here.";
    const used = await get("/");
    expect(used).toContain(sentence);
    expect(used).toMatch(/ENOTDIR|EEXIST/);
    expect(used).not.toMatch(/\n|\bat .*index\.js/);
    expect(JSON.parse(await get("/picture"))).toMatchObject({
      success: false,
      errors: [{ message: expect.stringContaining(sentence) }],
    });
    expect(JSON.parse(await get("/sessions"))).toEqual({ sessions: [] });
  } finally {
    await running.close();
  }
});
