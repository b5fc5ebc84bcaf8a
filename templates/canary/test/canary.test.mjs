import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDev } from "troupe";

const cwd = fileURLToPath(new URL("..", import.meta.url));

/** Starts the whole workspace with a share of the traffic for the canary. */
function withCanary(percent) {
  const running = {};
  before(async () => {
    const vars = { CANARY_PERCENT: String(percent) };
    running.dev = await startDev({ cwd, port: 0, persistTo: false, watch: false, vars });
  });
  after(() => running.dev?.stop());
  return (path, init) => running.dev.fetch(path, init);
}

describe("no traffic for the canary", () => {
  const fetch = withCanary(0);

  test("production answers", async () => {
    const response = await fetch("/chair");
    assert.equal(response.headers.get("x-served-by"), "production");
    assert.deepEqual(await response.json(), { name: "chair", price: 4900 });
  });
});

describe("all traffic for the canary", () => {
  const fetch = withCanary(100);

  test("the canary answers", async () => {
    const response = await fetch("/chair");
    assert.equal(response.headers.get("x-served-by"), "canary");
    assert.deepEqual(await response.json(), { name: "chair", price: 4410 });
  });

  test("what it cannot answer, production does", async () => {
    const response = await fetch("/table");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-served-by"), "production");
  });

  test("a POST is never sent twice", async () => {
    const response = await fetch("/table", { method: "POST", body: "one, please" });
    assert.ok(response.status >= 500);
    assert.equal(response.headers.get("x-served-by"), "canary");
  });
});
