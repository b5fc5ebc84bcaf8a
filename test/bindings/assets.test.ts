import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kindById } from "../../src/bindings/index.ts";
import { bindingOf, environmentOf, type Running, start } from "./support.ts";

let dir: string;
let running: Running;

/** Answers with the name of who answered, and passes assets on when it is asked to. */
const code = `
export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/through/")) return env.ASSETS.fetch(new URL(pathname.slice(8), "http://assets"));
    if (pathname === "/site") return env.SITE.fetch("http://site/about");
    return new Response("code: " + pathname);
  }
}`;

const FILES: Record<string, string> = {
  "index.html": "<h1>home</h1>",
  "about.html": "<h1>about</h1>",
  "docs/index.html": "<h1>docs</h1>",
  "404.html": "<h1>lost</h1>",
  "app.js": "console.log('app')",
  "api/data.json": "{}",
  ".well-known/security.txt": "contact",
  "app.js.map": "{}",
  ".assetsignore": "*.map\n",
  _headers: "/app.js\n  x-from: headers\n  cache-control: max-age=60\n/docs/*\n  ! x-gone\n  x-docs: yes\n",
  _redirects: "/old /about 301\n/blog/:slug /posts/:slug 302\n/rewritten /about 200\n",
};

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-assets-"));
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(path.dirname(path.join(dir, "public", name)), { recursive: true });
    await writeFile(path.join(dir, "public", name), text);
  }
  const only = { dir, main: undefined };
  running = await start({
    site: {
      code: "export default {}",
      environment: only,
      config: { assets: { directory: "public", not_found_handling: "404-page" } },
    },
    spa: {
      code,
      environment: { dir },
      config: {
        assets: {
          directory: "./public",
          binding: "ASSETS",
          not_found_handling: "single-page-application",
          run_worker_first: ["/api/*", "!/api/data.json"],
        },
      },
    },
    first: {
      code,
      environment: { dir },
      config: { assets: { directory: "public", binding: "ASSETS", run_worker_first: true } },
    },
    plain: {
      code,
      environment: { dir },
      config: {
        assets: { directory: "public", html_handling: "none" },
        services: [{ binding: "SITE", service: "site" }],
      },
    },
    unbuilt: { code, environment: { dir }, config: { assets: { directory: "dist" } } },
  });
}, 60_000);
afterAll(async () => {
  await running?.close();
  await rm(dir, { recursive: true });
});

async function get(service: string, pathname: string) {
  const response = await running.send(service, pathname);
  return {
    status: response.status,
    text: await response.text(),
    headers: response.headers,
    to: response.headers.get("location"),
  };
}

describe("files only", () => {
  test("HTML files answer at tidy paths", async () => {
    expect(await get("site", "/")).toMatchObject({ status: 200, text: "<h1>home</h1>" });
    expect(await get("site", "/about")).toMatchObject({ status: 200, text: "<h1>about</h1>" });
    expect(await get("site", "/docs/")).toMatchObject({ status: 200, text: "<h1>docs</h1>" });
    expect(await get("site", "/about.html")).toMatchObject({ status: 307, to: "/about" });
    expect(await get("site", "/docs")).toMatchObject({ status: 307, to: "/docs/" });
    expect(await get("site", "/.well-known/security.txt")).toMatchObject({ status: 200, text: "contact" });
  });

  test("a path without a file gets the nearest 404 page", async () => {
    expect(await get("site", "/nothing/here")).toMatchObject({ status: 404, text: "<h1>lost</h1>" });
  });

  test("_headers and _redirects are obeyed, and not served", async () => {
    const app = await get("site", "/app.js");
    expect(Object.fromEntries(app.headers)).toMatchObject({ "x-from": "headers", "cache-control": "max-age=60" });
    expect(app.headers.get("content-type")).toContain("javascript");
    expect((await get("site", "/docs/")).headers.get("x-docs")).toBe("yes");
    expect(await get("site", "/old")).toMatchObject({ status: 301, to: "/about" });
    expect(await get("site", "/blog/hello")).toMatchObject({ status: 302, to: "/posts/hello" });
    expect(await get("site", "/rewritten")).toMatchObject({ status: 200, text: "<h1>about</h1>" });
    expect((await get("site", "/_headers")).status).toBe(404);
  });

  test("what .assetsignore lists is not served", async () => {
    expect((await get("site", "/app.js.map")).status).toBe(404);
    expect((await get("site", "/.assetsignore")).status).toBe(404);
  });

  test("conditional requests", async () => {
    const etag = (await get("site", "/app.js")).headers.get("etag")!;
    expect((await running.send("site", "/app.js", { headers: { "if-none-match": etag } })).status).toBe(304);
  });

  test("another service reaches them through a binding", async () => {
    expect(await get("plain", "/site")).toMatchObject({ status: 200, text: "<h1>about</h1>" });
  });
});

describe("files and code", () => {
  test("single-page application: navigation gets the page, the listed paths go to the code", async () => {
    const navigation = await running.send("spa", "/some/view", { headers: { "sec-fetch-mode": "navigate" } });
    expect([navigation.status, await navigation.text()]).toEqual([200, "<h1>home</h1>"]);
    expect(await get("spa", "/api/users")).toMatchObject({ text: "code: /api/users" });
    expect(await get("spa", "/api/data.json")).toMatchObject({ text: "{}" });
  });

  test("run_worker_first: the code answers even where there is a file, and can ask for it", async () => {
    expect(await get("first", "/app.js")).toMatchObject({ text: "code: /app.js" });
    expect(await get("first", "/through/app.js")).toMatchObject({ text: FILES["app.js"] });
  });

  test("without it, files come first and the code answers the rest", async () => {
    expect(await get("plain", "/about.html")).toMatchObject({ status: 200, text: "<h1>about</h1>" });
    expect(await get("plain", "/about")).toMatchObject({ text: "code: /about" });
  });

  test("a folder that is not there yet is a warning", async () => {
    expect(running.started.warnings).toEqual([expect.objectContaining({ code: "missing-assets" })]);
    expect(await get("unbuilt", "/x")).toMatchObject({ text: "code: /x" });
  });
});

test("what makes no sense is an error", () => {
  const faults = (assets: Record<string, unknown>, main?: string) => {
    const environment = environmentOf("site", {}, { dir, main });
    return kindById("assets")!.validate!(bindingOf({ assets }), environment).map(({ code: id, path: at }) => [
      id,
      at?.[0],
    ]);
  };
  expect(faults({ directory: "public", binding: "ASSETS", run_worker_first: ["/api/*"] }, "/main.js")).toEqual([]);
  expect(faults({ directory: "public", binding: "ASSETS", run_worker_first: true })).toEqual([
    ["assets-without-code", "binding"],
    ["assets-without-code", "run_worker_first"],
  ]);
  expect(faults({ binding: "ASSETS" }, "/main.js")).toEqual([["missing-field", undefined]]);
});

test("upload: the settings and the rules of the files", () => {
  const config = {
    assets: { directory: "public", binding: "ASSETS", not_found_handling: "404-page", run_worker_first: ["/api/*"] },
  };
  const environment = environmentOf("site", config, { dir });
  const kind = kindById("assets")!;
  const context = { environment } as Parameters<typeof kind.upload>[1];
  const [binding] = environment.bindings;
  expect(kind.upload(binding!, context)).toEqual({ name: "ASSETS", type: "assets" });
  expect(kind.uploadMetadata!(binding!, context)).toEqual({
    assets: {
      config: {
        not_found_handling: "404-page",
        run_worker_first: ["/api/*"],
        _headers: FILES._headers,
        _redirects: FILES._redirects,
      },
    },
  });
});
