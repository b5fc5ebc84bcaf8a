/** Hyperdrive against a real Postgres (compiled to WebAssembly, behind a real socket), through a driver people use. */
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kindById } from "../../src/bindings/index.ts";
import { freePort } from "../support/port.ts";
import { bindingOf, environmentOf, type Running, start } from "./support.ts";

let database: PGlite;
let server: PGLiteSocketServer;
let running: Running;

const source = `
import postgres from "postgres";
export default {
  async fetch(request, env) {
    const binding = env[new URL(request.url).pathname.slice(1)];
    const sql = postgres(binding.connectionString, { max: 1, fetch_types: false, prepare: false });
    try {
      await sql\`create table if not exists users (id serial primary key, name text)\`;
      await sql\`insert into users (name) values (\${"ada"})\`;
      return Response.json({ users: await sql\`select name from users\`, database: binding.database, user: binding.user });
    } finally {
      await sql.end();
    }
  }
}`;

beforeAll(async () => {
  database = await PGlite.create();
  const port = await freePort();
  server = new PGLiteSocketServer({ db: database, port, host: "127.0.0.1" });
  await server.start();
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
  });
  const local = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
  running = await start({
    api: {
      code: `${outputFiles[0]!.text}\n// export default`,
      environment: { compatibilityFlags: ["nodejs_compat"] },
      secrets: { CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_FROM_VARIABLE: local },
      config: {
        hyperdrive: [
          { binding: "DATABASE", id: "1", localConnectionString: local },
          { binding: "FROM_VARIABLE", id: "2", localConnectionString: "postgres://other:other@127.0.0.1:1/other" },
        ],
      },
    },
  });
}, 60_000);
afterAll(async () => {
  await running?.close();
  await server?.stop();
  await database?.close();
});

test("queries reach the local database; the variable beats the config", async () => {
  expect(await running.json("api", "/DATABASE")).toEqual({
    users: [{ name: "ada" }],
    database: "postgres",
    user: "postgres",
  });
  expect(await running.json("api", "/FROM_VARIABLE")).toMatchObject({ users: [{ name: "ada" }, { name: "ada" }] });
});

test("a malformed connection string is an error, and a password is never shown", () => {
  const kind = kindById("hyperdrive")!;
  const of = (localConnectionString: string) =>
    bindingOf({ hyperdrive: [{ binding: "DB", id: "x", localConnectionString }] });
  const faults = (text: string) => kind.validate!(of(text), environmentOf("api", {})).map(({ message }) => message);
  expect(faults("postgres://a:b@localhost:5432/db")).toEqual([]);
  expect(faults("localhost:5432")).toEqual([expect.stringContaining("postgres:// or mysql://")]);
  expect(faults("nonsense")).toEqual([expect.stringContaining("is not a URL")]);
  expect(faults("postgres://localhost/db")).toEqual([expect.stringContaining("user name and a password")]);
  expect(faults("mysql://a:b@localhost")).toEqual([expect.stringContaining("names no database")]);
  expect(kind.describe(of("postgres://a:hidden@localhost:5432/db"))).toBe("x (locally postgres://localhost:5432/db)");
});
