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

test("greets the world", async () => {
  const response = await dev.fetch("/");
  assert.equal(await response.text(), "Hello, World!\n");
});

test("greets by name", async () => {
  const response = await dev.fetch("/?name=Ada");
  assert.equal(await response.text(), "Hello, Ada!\n");
});
