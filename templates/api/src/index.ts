import { Hono } from "hono";

interface Note {
  id: string;
  text: string;
}

// Env comes from worker-configuration.d.ts; "npm run types" writes it anew after a change of troupe.toml.
const app = new Hono<{ Bindings: Env }>();

app.get("/", (c) => c.text("Try: curl -d '{\"text\":\"Buy milk\"}' -H 'content-type: application/json' /notes\n"));

app.get("/notes", async (c) => {
  const { keys } = await c.env.NOTES.list();
  const notes = await Promise.all(keys.map(({ name }) => c.env.NOTES.get<Note>(name, "json")));
  return c.json(notes.filter((note) => note !== null));
});

app.post("/notes", async (c) => {
  const { text } = await c.req.json<{ text?: unknown }>().catch(() => ({ text: undefined }));
  if (typeof text !== "string" || text === "") return c.json({ error: "text is missing" }, 400);
  const note: Note = { id: crypto.randomUUID(), text };
  await c.env.NOTES.put(note.id, JSON.stringify(note));
  return c.json(note, 201);
});

app.get("/notes/:id", async (c) => {
  const note = await c.env.NOTES.get<Note>(c.req.param("id"), "json");
  return note ? c.json(note) : c.json({ error: "no such note" }, 404);
});

app.delete("/notes/:id", async (c) => {
  await c.env.NOTES.delete(c.req.param("id"));
  return c.body(null, 204);
});

export default app;
