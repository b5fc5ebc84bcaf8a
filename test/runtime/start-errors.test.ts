/** What workerd says at its end, in words for the user. */
import { expect, test } from "vitest";
import { startError } from "../../src/runtime/start-errors.ts";
import { graph } from "../support/graph.ts";

const spec = graph({ app: { code: "export default {};" } });
const said = (...output: string[]) => startError(spec, output, new Error("The Workers runtime failed to start"));

test("a failure of the runtime's own is told without its line", () => {
  const error = said(
    "*** Uncaught exception ***\nworkerd/server/server/bridge.rs:12: failed: bind(): Address in use\nstack: 1 2 3",
  );
  expect(error).toMatchObject({ code: "START", message: "app does not start: bind(): Address in use" });
});

test("Python that cannot be downloaded says from where", () => {
  const url = "https://pyodide.example/pyodide_0.28.capnp.bin";
  const { message, notes } = said(
    `*** Uncaught exception ***\nworkerd/server/server/bridge.rs:843: failed: Request for Pyodide bundle failed; url = ${url}; failed to lookup address information`,
  );
  expect(message).toContain("the runtime could not download Python (failed to lookup address information)");
  expect(notes).toEqual([`A Worker in Python needs ${url}: check the connection to pyodide.example`]);
});
