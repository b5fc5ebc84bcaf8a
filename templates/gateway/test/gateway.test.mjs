import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDev } from "troupe";

const cwd = fileURLToPath(new URL("..", import.meta.url));
let dev;
before(async () => {
  dev = await startDev({ cwd, port: 0, persistTo: false, watch: false });
});
after(() => dev?.stop());

test("a request without the token is refused", async () => {
  const response = await dev.fetch("/secret");
  assert.equal(response.status, 403);
  assert.equal(await response.text(), "x-custom-token does not match, request not allowed");
});

test("a request with a wrong token is refused", async () => {
  const response = await dev.fetch("/secret", { headers: { "x-custom-token": "guess" } });
  assert.equal(response.status, 403);
});

test("a request with the token passes", async () => {
  const response = await dev.fetch("/secret", { headers: { "x-custom-token": "let-me-in" } });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "You may see /secret\n");
});

test("auth has no address of its own", () => {
  assert.deepEqual(Object.keys(dev.urls), ["gateway"]);
});
