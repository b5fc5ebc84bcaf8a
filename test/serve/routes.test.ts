import { describe, expect, test } from "vitest";
import { parseRoute, RouteFault, routeConflicts, routeTable } from "../../src/host/routes.ts";

const owners = (table: Record<string, string[]>) =>
  Object.entries(table).map(
    ([owner, patterns]) =>
      [
        owner,
        patterns.map((pattern) => {
          const customDomain = pattern.startsWith("custom ");
          return { pattern: pattern.replace("custom ", ""), customDomain };
        }),
      ] as const,
  );

function find(table: Record<string, string[]>, url: string): string | undefined {
  const [, scheme, host, path] = /^(https?):\/\/([^/]+)(.*)$/.exec(url)!;
  return routeTable(owners(table)).find({ scheme: scheme!, host: host!, path: path || "/" });
}

/** The examples of https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior */
describe("a pattern matches", () => {
  test.each<[pattern: string, yes: string[], no: string[]]>([
    [
      "example.com",
      ["http://example.com/", "https://example.com/"],
      ["http://example.com/a", "http://www.example.com/"],
    ],
    ["https://example.com/", ["https://example.com/"], ["http://example.com/", "https://www.example.com/"]],
    ["*.example.com/", ["http://www.example.com/", "http://a.b.example.com/"], ["http://example.com/"]],
    [
      "*example.com/",
      ["http://example.com/", "http://www.example.com/"],
      ["http://notexample.com/", "http://example.com/path"],
    ],
    [
      "example.com/path*",
      [
        "http://example.com/path",
        "http://example.com/path2",
        "http://example.com/path/readme.txt",
        "http://example.com/path?a=b",
      ],
      ["http://example.com/Path", "http://example.com/"],
    ],
    ["example.com/path", ["http://example.com/path"], ["http://example.com/path/", "http://example.com/path?a=b"]],
    ["*/*", ["http://anything.test/x"], []],
    ["custom shop.example.com", ["http://shop.example.com/any/path?q=1"], ["http://x.shop.example.com/"]],
    ["BÜCHER.example/*", ["http://xn--bcher-kva.example/a"], []],
  ])("%s", (pattern, yes, no) => {
    for (const url of yes) expect([url, find({ it: [pattern] }, url)]).toEqual([url, "it"]);
    for (const url of no) expect([url, find({ it: [pattern] }, url)]).toEqual([url, undefined]);
  });
});

test.each<[winner: string, loser: string, url: string]>([
  ["www.example.com/*", "*.example.com/*", "http://www.example.com/a"],
  ["*.example.com/*", "*example.com/*", "http://www.example.com/a"],
  ["*.b.example.com/*", "*.example.com/*", "http://a.b.example.com/"],
  ["example.com/images/*", "example.com/*", "http://example.com/images/cat.png"],
  ["example.com/images/cat.png", "example.com/images/*", "http://example.com/images/cat.png"],
  ["www.example.com/*", "*.example.com/images/*", "http://www.example.com/images/cat.png"],
  ["http://example.com/*", "example.com/*", "http://example.com/"],
  ["*.example.com/*", "custom www.example.com", "http://www.example.com/"],
  ["*.example.com/*", "*/*", "http://www.example.com/"],
])("%s goes before %s", (winner, loser, url) => {
  expect(find({ winner: [winner], loser: [loser] }, url)).toBe("winner");
  expect(find({ loser: [loser], winner: [winner] }, url)).toBe("winner");
});

test.each([
  "example.com/*.jpg",
  "a*.example.com/*",
  "example.com/?foo=*",
  "*.*.example.com/",
  "/path",
  "",
  "example.com:80/",
  "custom *.example.com",
  "custom example.com/path",
])("%j is no route", (pattern) => {
  const [[, routes]] = owners({ it: [pattern] }) as [readonly [string, { pattern: string; customDomain: boolean }[]]];
  expect(() => parseRoute(routes[0]!)).toThrow(RouteFault);
  expect(routeConflicts(owners({ a: [pattern], b: [pattern] }))).toEqual([]);
});

test("two environments cannot have one route, however it is written", () => {
  const found = routeConflicts(
    owners({
      "b@production": ["Example.com/*", "example.com/a"],
      "a@production": ["example.com/*", "http://example.com/*", "example.com"],
      "c@production": ["example.com/", "custom example.com"],
    }),
  );
  expect(found.map(({ message }) => message)).toEqual([
    'The route "Example.com/*" belongs to a@production and b@production',
    'The route "example.com" belongs to a@production and c@production',
  ]);
});
