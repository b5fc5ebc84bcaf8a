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

const post = (body) =>
  dev.fetch("/notes", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

test("a note can be written, read, listed and deleted", async () => {
  const created = await post({ text: "Buy milk" });
  assert.equal(created.status, 201);
  const note = await created.json();
  assert.equal(note.text, "Buy milk");

  assert.deepEqual(await (await dev.fetch(`/notes/${note.id}`)).json(), note);
  assert.deepEqual(await (await dev.fetch("/notes")).json(), [note]);

  assert.equal((await dev.fetch(`/notes/${note.id}`, { method: "DELETE" })).status, 204);
  assert.equal((await dev.fetch(`/notes/${note.id}`)).status, 404);
});

test("a note without text is refused", async () => {
  const response = await post({});
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: "text is missing" });
});
