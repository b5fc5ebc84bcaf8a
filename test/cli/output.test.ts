/** How things look: tables, code frames, errors. Colours and streams through the real binary are in streams.test.ts. */
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { type Diagnostic, TroupeError } from "../../src/errors.ts";
import { formatDiagnostic } from "../../src/output/diagnostic.ts";
import { failureJson, renderFailure } from "../../src/output/failure.ts";
import { createStyle, wantsColour } from "../../src/output/style.ts";
import { formatTable } from "../../src/output/table.ts";
import { createOutput } from "../../src/output/terminal.ts";
import { testFolder } from "../support/files.ts";

const PLAIN = createStyle(false);

describe("tables", () => {
  test("align columns, also with wide characters and colours", () => {
    const { green } = createStyle(true);
    const rows = [
      ["日本", "x"],
      [green("ok"), "y"],
    ];
    expect(formatTable(["NAME", "B"], rows).map(stripVTControlCharacters)).toEqual(["NAME  B", "日本  x", "ok    y"]);
  });

  test("cut the widest column to the terminal's width and end its colour", () => {
    const { red } = createStyle(true);
    const lines = formatTable(["NAME", "WHERE"], [["auth", red("a".repeat(50))]], 20);
    expect(lines[1]).toMatch(/\u001b\[0m$/);
    expect(stripVTControlCharacters(lines[1]!)).toBe(`auth  ${"a".repeat(13)}…`);
  });

  test("are not cut without a terminal", () => {
    expect(formatTable(["A"], [["a".repeat(500)]])[1]).toHaveLength(500);
  });
});

describe("diagnostics", () => {
  const show = (diagnostic: Diagnostic, cwd: string) => formatDiagnostic(diagnostic, PLAIN, cwd).join("\n");

  test("show what, where and what next", () => {
    const cwd = testFolder({ "troupe.toml": 'name = "a"\r\n\tvras = 1\r\n' });
    const location = { file: path.join(cwd, "troupe.toml"), line: 2, column: 2, length: 4 };
    const shown = show(
      {
        severity: "error",
        code: "unknown-key",
        message: 'unknown key "vras"',
        location,
        notes: ['did you mean "vars"?'],
      },
      cwd,
    );
    expect(shown).toBe(
      [
        'error: unknown key "vras"',
        " --> troupe.toml:2:2",
        "    |",
        "  2 | \tvras = 1",
        "    | \t^^^^",
        '  help: did you mean "vars"?',
      ].join("\n"),
    );
  });

  test("show the part of a long line that matters", () => {
    const cwd = testFolder({ "min.js": `${"a".repeat(400)}WRONG${"b".repeat(400)}` });
    const location = { file: path.join(cwd, "min.js"), line: 1, column: 401, length: 5 };
    const [, , , line, caret] = show({ severity: "error", code: "x", message: "x", location }, cwd).split("\n");
    expect(line!.length).toBeLessThan(130);
    expect(line!.slice(caret!.indexOf("^"), caret!.lastIndexOf("^") + 1)).toBe("WRONG");
  });

  test("do without the frame when the file or the line is gone", () => {
    const cwd = testFolder({ "a.txt": "one line" });
    for (const file of ["a.txt", "missing.txt"]) {
      const location = { file: path.join(cwd, file), line: 9, column: 1 };
      const shown = show({ severity: "warning", code: "x", message: "gone", location }, cwd);
      expect(shown).toBe(`warning: gone\n --> ${file}:9:1`);
    }
  });
});

describe("a failed command", () => {
  function rendered(error: unknown, verbose = false): string {
    let text = "";
    const stderr = { write: (chunk: string) => (text += chunk) };
    const output = createOutput({ stdout: stderr, stderr, env: {}, cwd: "/" });
    renderFailure(error, output, { verbose });
    return text;
  }
  const diagnostic = (message: string): Diagnostic => ({ severity: "error", code: "x", message });

  test("shows every fault and sums them up", () => {
    const error = new TroupeError("CONFIG", "2 errors", { diagnostics: [diagnostic("one"), diagnostic("two")] });
    expect(rendered(error)).toBe("error: one\nerror: two\nerror: 2 errors\n");
  });

  test("tells who pressed Ctrl-C in which state things are", () => {
    const error = new TroupeError("INTERRUPTED", "Interrupted", { notes: ["Everything is as it was before"] });
    expect(rendered(error)).toBe("Interrupted\nEverything is as it was before\n");
  });

  test("shows a single fault once", () => {
    expect(rendered(new TroupeError("CONFIG", "one", { diagnostics: [diagnostic("one")] }))).toBe("error: one\n");
  });

  test("says that a bug is a bug, with its stack only under --verbose", () => {
    expect(rendered(new RangeError("oops"))).toMatch(
      /^error: a bug in troupe: RangeError: oops\n {2}help: .*--verbose/,
    );
    expect(rendered(new RangeError("oops"))).not.toContain("    at ");
    expect(rendered(new RangeError("oops"), true)).toContain("    at ");
  });

  test("tells programs code, place, notes and diagnostics", () => {
    const location = { file: "/a/troupe.toml", line: 1, column: 2 };
    const error = new TroupeError("CONFIG", "one", { location, notes: ["do it"], diagnostics: [diagnostic("one")] });
    expect(failureJson(error)).toEqual({
      error: { code: "CONFIG", message: "one", location, notes: ["do it"], diagnostics: [diagnostic("one")] },
    });
    expect(failureJson(new Error("x")).error.code).toBe("INTERNAL");
  });
});

test("colour is for terminals, and NO_COLOR and FORCE_COLOR have the last word", () => {
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({}, {})).toBe(false);
  expect(wantsColour({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(wantsColour({ isTTY: true }, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
  expect(wantsColour({}, { FORCE_COLOR: "1" })).toBe(true);
  expect(wantsColour({ isTTY: true }, { FORCE_COLOR: "0" })).toBe(false);
});
