import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConfigEdit, type ConfigFormat, editConfig, formatOf, writeConfig } from "../../src/config/edit.ts";
import type { TroupeError } from "../../src/errors.ts";

const kv = (...above: string[]): ConfigEdit => ({
  op: "append",
  path: [...above, "kv_namespaces"],
  value: { binding: "NEW", id: "n" },
});
const variable = (...above: string[]): ConfigEdit => ({ op: "set", path: [...above, "vars", "NEW"], value: "n" });

interface Case {
  name: string;
  edit: ConfigEdit;
  before: string;
  after: string;
}

function cases(format: ConfigFormat, list: Case[]): void {
  for (const { name, edit, before, after } of list) {
    it(name, () => expect(editConfig(before, format, [edit])).toBe(after));
    it(`${name}, with CRLF`, () => {
      const crlf = (text: string) => text.replaceAll("\n", "\r\n");
      // Without any line ending in the file there is no telling which one it uses.
      if (before.includes("\n")) expect(editConfig(crlf(before), format, [edit])).toBe(crlf(after));
    });
  }
}

describe("adding to TOML", () => {
  cases("toml", [
    {
      name: "a block behind its own kind",
      edit: kv(),
      before: `name = "a" # the name\n\n# sessions\n[[kv_namespaces]]\nbinding = "A"\n# the id\nid = "a" # from the dashboard\n# id = "old"\n\n# Variables\n[vars]\nX = "1"\n`,
      after: `name = "a" # the name\n\n# sessions\n[[kv_namespaces]]\nbinding = "A"\n# the id\nid = "a" # from the dashboard\n# id = "old"\n\n[[kv_namespaces]]\nbinding = "NEW"\nid = "n"\n\n# Variables\n[vars]\nX = "1"\n`,
    },
    {
      name: "a first block before the environments",
      edit: kv(),
      before: `name = "a"\n\n[vars]\nX = "1"\n\n# Staging\n[env.staging]\n[env.staging.vars]\nX = "2"\n`,
      after: `name = "a"\n\n[vars]\nX = "1"\n\n[[kv_namespaces]]\nbinding = "NEW"\nid = "n"\n\n# Staging\n[env.staging]\n[env.staging.vars]\nX = "2"\n`,
    },
    {
      name: "a first block in a file without tables and without a line ending at its end",
      edit: kv(),
      before: `name = "a"`,
      after: `name = "a"\n\n[[kv_namespaces]]\nbinding = "NEW"\nid = "n"`,
    },
    { name: "to an empty file", edit: kv(), before: "", after: `[[kv_namespaces]]\nbinding = "NEW"\nid = "n"\n` },
    {
      name: "behind comments at the end of the file",
      edit: kv(),
      before: `name = "a"\n\n[vars]\nX = "1"\n\n# the end\n`,
      after: `name = "a"\n\n[vars]\nX = "1"\n\n[[kv_namespaces]]\nbinding = "NEW"\nid = "n"\n\n# the end\n`,
    },
    {
      name: "an item to an array on one line",
      edit: kv(),
      before: `kv_namespaces = [{ binding = "A" }] # all\nname = "a"\n`,
      after: `kv_namespaces = [{ binding = "A" }, { binding = "NEW", id = "n" }] # all\nname = "a"\n`,
    },
    {
      name: "an item to an array over several lines",
      edit: kv(),
      before: `kv_namespaces = [\n    { binding = "A" }, # first\n    { binding = "B" } # second\n    # no more\n]\n`,
      after: `kv_namespaces = [\n    { binding = "A" }, # first\n    { binding = "B" }, # second\n    { binding = "NEW", id = "n" }\n    # no more\n]\n`,
    },
    {
      name: "an item behind a trailing comma",
      edit: kv(),
      before: `kv_namespaces = [\n  { binding = "A" },\n]\n`,
      after: `kv_namespaces = [\n  { binding = "A" },\n  { binding = "NEW", id = "n" },\n]\n`,
    },
    {
      name: "an item to an empty array",
      edit: kv(),
      before: `kv_namespaces = []\n`,
      after: `kv_namespaces = [{ binding = "NEW", id = "n" }]\n`,
    },
    {
      name: "an item to an array of comments",
      edit: kv(),
      before: `kv_namespaces = [\n  # { binding = "A" }\n]\n`,
      after: `kv_namespaces = [\n  # { binding = "A" }\n  { binding = "NEW", id = "n" }\n]\n`,
    },
    {
      name: "a block to an environment",
      edit: kv("env", "staging"),
      before: `name = "a"\n[env.staging]\nprotected = true\n\n[env.other]\nprotected = true\n`,
      after: `name = "a"\n[env.staging]\nprotected = true\n\n[[env.staging.kv_namespaces]]\nbinding = "NEW"\nid = "n"\n\n[env.other]\nprotected = true\n`,
    },
    {
      name: "to an environment that is an inline table",
      edit: kv("env", "staging"),
      before: `name = "a"\n[env]\nstaging = { vars = { X = "1" } } # short\n`,
      after: `name = "a"\n[env]\nstaging = { vars = { X = "1" }, kv_namespaces = [{ binding = "NEW", id = "n" }] } # short\n`,
    },
    {
      name: "to an environment written with dotted keys",
      edit: kv("env", "staging"),
      before: `name = "a"\nenv.staging.vars.X = "1"\nenv.staging.workers_dev = false\n\n[vars]\nX = "0"\n`,
      after: `name = "a"\nenv.staging.vars.X = "1"\nenv.staging.workers_dev = false\nenv.staging.kv_namespaces = [{ binding = "NEW", id = "n" }]\n\n[vars]\nX = "0"\n`,
    },
    {
      name: "to an environment that the file does not have",
      edit: variable("env", "staging"),
      before: `name = "a"\n\n[vars]\nX = "1"\n`,
      after: `name = "a"\n\n[vars]\nX = "1"\n\n[env.staging.vars]\nNEW = "n"\n`,
    },
    {
      name: "to an environment with a name that must be quoted",
      edit: variable("env", "pr 1"),
      before: `[env."pr 1".vars]\nX = "1"\n`,
      after: `[env."pr 1".vars]\nX = "1"\nNEW = "n"\n`,
    },
    {
      name: "a variable to its table",
      edit: variable(),
      before: `[vars] # all of them\n  X = """\nlong\n""" # why\n  # Y = "2"\n\n[[kv_namespaces]]\nbinding = "A"\n`,
      after: `[vars] # all of them\n  X = """\nlong\n""" # why\n  NEW = "n"\n  # Y = "2"\n\n[[kv_namespaces]]\nbinding = "A"\n`,
    },
    {
      name: "a variable to an empty table",
      edit: variable(),
      before: `[vars] # none ]\n`,
      after: `[vars] # none ]\nNEW = "n"\n`,
    },
    {
      name: "a variable to an inline table",
      edit: variable(),
      before: `vars = { X = "1" }\n`,
      after: `vars = { X = "1", NEW = "n" }\n`,
    },
    {
      name: "a variable to an empty inline table",
      edit: variable(),
      before: `vars = {}\n`,
      after: `vars = { NEW = "n" }\n`,
    },
    {
      name: "a variable to an inline table over several lines",
      edit: variable(),
      before: `vars = {\n  X = "1", # one\n}\n`,
      after: `vars = {\n  X = "1", # one\n  NEW = "n",\n}\n`,
    },
    {
      name: "a variable to dotted keys",
      edit: variable(),
      before: `vars.X = "1"\nname = "a"\n`,
      after: `vars.X = "1"\nvars.NEW = "n"\nname = "a"\n`,
    },
    {
      name: "a variable to dotted keys in an environment's table",
      edit: variable("env", "staging"),
      before: `[env.staging]\nvars.X = "1"\n`,
      after: `[env.staging]\nvars.X = "1"\nvars.NEW = "n"\n`,
    },
    {
      name: "the first variable",
      edit: variable(),
      before: `name = "a"\n[[kv_namespaces]]\nbinding = "A"\n`,
      after: `name = "a"\n[[kv_namespaces]]\nbinding = "A"\n\n[vars]\nNEW = "n"\n`,
    },
    {
      name: "a nested list beside its sibling",
      edit: { op: "append", path: ["queues", "consumers"], value: { queue: "jobs" } },
      before: `[[queues.producers]]\nbinding = "JOBS"\nqueue = "jobs"\n\n[vars]\nX = "1"\n`,
      after: `[[queues.producers]]\nbinding = "JOBS"\nqueue = "jobs"\n\n[[queues.consumers]]\nqueue = "jobs"\n\n[vars]\nX = "1"\n`,
    },
    {
      name: "a nested list in a table",
      edit: { op: "append", path: ["durable_objects", "bindings"], value: { name: "B", class_name: "B" } },
      before: `[durable_objects]\nbindings = [\n  { name = "A", class_name = "A" }\n]\n`,
      after: `[durable_objects]\nbindings = [\n  { name = "A", class_name = "A" },\n  { name = "B", class_name = "B" }\n]\n`,
    },
    {
      name: "a table of its own",
      edit: { op: "set", path: ["ai"], value: { binding: "AI" } },
      before: `name = "a"\n\n[env.staging]\nprotected = true\n`,
      after: `name = "a"\n\n[ai]\nbinding = "AI"\n\n[env.staging]\nprotected = true\n`,
    },
    {
      name: "a table to an environment",
      edit: { op: "set", path: ["env", "staging", "ai"], value: { binding: "AI" } },
      before: `[env.staging]\nprotected = true\n`,
      after: `[env.staging]\nprotected = true\n\n[env.staging.ai]\nbinding = "AI"\n`,
    },
    {
      name: "a table to an environment that is an inline table",
      edit: { op: "set", path: ["env", "staging", "ai"], value: { binding: "AI" } },
      before: `[env]\nstaging = {}\n`,
      after: `[env]\nstaging = { ai = { binding = "AI" } }\n`,
    },
    {
      name: "a string list to a table that only has tables below it",
      edit: { op: "append", path: ["env", "staging", "unset"], value: "CACHE" },
      before: `name = "a"\n\n# for staging\n[env.staging.vars]\nX = "1"\n`,
      after: `name = "a"\n\n[env.staging]\nunset = ["CACHE"]\n\n# for staging\n[env.staging.vars]\nX = "1"\n`,
    },
    {
      name: "a string to a list",
      edit: { op: "append", path: ["env", "staging", "unset"], value: "CACHE" },
      before: `[env.staging]\nunset = ["A"]\n`,
      after: `[env.staging]\nunset = ["A", "CACHE"]\n`,
    },
    {
      name: "values that need care",
      edit: {
        op: "set",
        path: ["vars", "odd name"],
        value: { text: 'a "b"\n\u007f\\', list: [1, 1.5, true, { x: {} }] },
      },
      before: `[vars]\nX = "1"\n`,
      after: `[vars]\nX = "1"\n"odd name" = { text = "a \\"b\\"\\n\\u007f\\\\", list = [1, 1.5, true, { x = {} }] }\n`,
    },
    {
      name: "another value",
      edit: { op: "set", path: ["vars", "X"], value: "2" },
      before: `vars = { X = "1" } # x\n`,
      after: `vars = { X = "2" } # x\n`,
    },
    {
      name: "a key at the top, before the first table",
      edit: { op: "set", path: ["workers_dev"], value: false },
      before: `# head\n\n# variables\n[vars]\nX = "1"\n`,
      after: `# head\n\nworkers_dev = false\n\n# variables\n[vars]\nX = "1"\n`,
    },
  ]);
});

describe("removing from TOML", () => {
  cases("toml", [
    {
      name: "a block, with the comments in it",
      edit: { op: "remove", path: ["kv_namespaces", 0] },
      before: `name = "a"\n\n# Sessions\n[[kv_namespaces]]\nbinding = "A" # a\n# old\nid = "a"\n\n[[kv_namespaces]]\nbinding = "B" # b\n`,
      after: `name = "a"\n\n# Sessions\n\n[[kv_namespaces]]\nbinding = "B" # b\n`,
    },
    {
      name: "a block with tables below it",
      edit: { op: "remove", path: ["ratelimits", 1] },
      before: `[[ratelimits]]\nname = "A"\n[[ratelimits]]\nname = "B"\n[ratelimits.simple]\nlimit = 1\n[[ratelimits]]\nname = "C"\n[ratelimits.simple]\nlimit = 2\n`,
      after: `[[ratelimits]]\nname = "A"\n[[ratelimits]]\nname = "C"\n[ratelimits.simple]\nlimit = 2\n`,
    },
    {
      name: "the last block of the file",
      edit: { op: "remove", path: ["kv_namespaces", 0] },
      before: `name = "a"\n\n[[kv_namespaces]]\nbinding = "A"\n`,
      after: `name = "a"\n`,
    },
    {
      name: "the last block of a file without a line ending at its end",
      edit: { op: "remove", path: ["kv_namespaces", 0] },
      before: `name = "a"\n\n[[kv_namespaces]]\nbinding = "A"`,
      after: `name = "a"`,
    },
    {
      name: "the only thing in an environment, which stays",
      edit: { op: "remove", path: ["env", "staging", "kv_namespaces", 0], keep: 2 },
      before: `name = "a"\n\n[[env.staging.kv_namespaces]]\nbinding = "A"\n`,
      after: `name = "a"\n\n[env.staging]\n`,
    },
    {
      name: "an item on one line",
      edit: { op: "remove", path: ["kv_namespaces", 0] },
      before: `kv_namespaces = [{ binding = "A" }, { binding = "B" }]\n`,
      after: `kv_namespaces = [{ binding = "B" }]\n`,
    },
    {
      name: "the last item on one line",
      edit: { op: "remove", path: ["kv_namespaces", 1] },
      before: `kv_namespaces = [{ binding = "A" }, { binding = "B" }]\n`,
      after: `kv_namespaces = [{ binding = "A" }]\n`,
    },
    {
      name: "the only item, and the list with it",
      edit: { op: "remove", path: ["kv_namespaces", 0] },
      before: `name = "a"\nkv_namespaces = [{ binding = "A" }]\n`,
      after: `name = "a"\n`,
    },
    {
      name: "the only item of a list with comments, which stays",
      edit: { op: "remove", path: ["kv_namespaces", 0] },
      before: `kv_namespaces = [\n  # keep me\n  { binding = "A" }, # gone\n]\n`,
      after: `kv_namespaces = [\n  # keep me\n]\n`,
    },
    {
      name: "an item over several lines",
      edit: { op: "remove", path: ["kv_namespaces", 1] },
      before: `kv_namespaces = [\n  { binding = "A" }, # a\n  {\n    binding = "B"\n  }, # b\n  { binding = "C" } # c\n]\n`,
      after: `kv_namespaces = [\n  { binding = "A" }, # a\n  { binding = "C" } # c\n]\n`,
    },
    {
      name: "a last item without a comma behind it",
      edit: { op: "remove", path: ["kv_namespaces", 1] },
      before: `kv_namespaces = [\n  { binding = "A" }, # a\n  { binding = "B" } # b\n]\n`,
      after: `kv_namespaces = [\n  { binding = "A" } # a\n]\n`,
    },
    {
      name: "a variable",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `[vars]\n# about x\nX = """\n1\n""" # x\nY = "2"\n`,
      after: `[vars]\n# about x\nY = "2"\n`,
    },
    {
      name: "the only variable, and its table",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `name = "a"\n\n[vars]\nX = "1"\n\n[env.staging]\n`,
      after: `name = "a"\n\n[env.staging]\n`,
    },
    {
      name: "the only variable of a table with comments, which stays",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `[vars]\n# about the variables\nX = "1"\n`,
      after: `[vars]\n# about the variables\n`,
    },
    {
      name: "a variable of an inline table",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `vars = { X = "1", Y = "2" }\n`,
      after: `vars = { Y = "2" }\n`,
    },
    {
      name: "a dotted variable",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `vars.X = "1"\nvars.Y = "2"\n`,
      after: `vars.Y = "2"\n`,
    },
    {
      name: "a nested binding and the tables above it",
      edit: { op: "remove", path: ["durable_objects", "bindings", 0] },
      before: `name = "a"\n\n[durable_objects]\nbindings = [{ name = "A", class_name = "A" }]\n`,
      after: `name = "a"\n`,
    },
  ]);
});

describe("adding to JSON", () => {
  cases("json", [
    {
      name: "an item of a list, laid out as its neighbours are",
      edit: kv(),
      before: `{\n  // head\n  "kv_namespaces": [\n    { "binding": "A", "id": "a" }, // about a\n    { "binding": "B", "id": "b" } /* about b */\n  ],\n  "vars": { "X": "1" } // last\n}\n`,
      after: `{\n  // head\n  "kv_namespaces": [\n    { "binding": "A", "id": "a" }, // about a\n    { "binding": "B", "id": "b" }, /* about b */\n    { "binding": "NEW", "id": "n" }\n  ],\n  "vars": { "X": "1" } // last\n}\n`,
    },
    {
      name: "an item over several lines, with a trailing comma and tabs",
      edit: kv(),
      before: `{\n\t"kv_namespaces": [\n\t\t{\n\t\t\t"binding": "A"\n\t\t},\n\t],\n}\n`,
      after: `{\n\t"kv_namespaces": [\n\t\t{\n\t\t\t"binding": "A"\n\t\t},\n\t\t{\n\t\t\t"binding": "NEW",\n\t\t\t"id": "n"\n\t\t},\n\t],\n}\n`,
    },
    {
      name: "a list that is not there",
      edit: kv(),
      before: `{\n    "name": "a" // the name\n}`,
      after: `{\n    "name": "a", // the name\n    "kv_namespaces": [\n        {\n            "binding": "NEW",\n            "id": "n"\n        }\n    ]\n}`,
    },
    {
      name: "to an environment that is not there",
      edit: variable("env", "staging"),
      before: `{\n  "name": "a",\n}\n`,
      after: `{\n  "name": "a",\n  "env": {\n    "staging": {\n      "vars": {\n        "NEW": "n"\n      }\n    }\n  },\n}\n`,
    },
    {
      name: "a variable on one line",
      edit: variable(),
      before: `{ "name": "a", "vars": {"X": "1"} }\n`,
      after: `{ "name": "a", "vars": {"X": "1", "NEW": "n"} }\n`,
    },
    {
      name: "to an empty object and an empty list",
      edit: kv("env", "staging"),
      before: `{\n  "env": { "staging": { "kv_namespaces": [] } }\n}\n`,
      after: `{\n  "env": { "staging": { "kv_namespaces": [\n    {\n      "binding": "NEW",\n      "id": "n"\n    }\n  ] } }\n}\n`,
    },
    { name: "to nothing", edit: variable(), before: `{}`, after: `{\n  "vars": {\n    "NEW": "n"\n  }\n}` },
    {
      name: "a comma in a comment",
      edit: variable(),
      before: `{\n  "vars": {\n    "X": "1" /* , */\n    // , more\n  }\n}\n`,
      after: `{\n  "vars": {\n    "X": "1", /* , */\n    "NEW": "n"\n    // , more\n  }\n}\n`,
    },
    {
      name: "another value",
      edit: { op: "set", path: ["vars", "X"], value: { a: 1 } },
      before: `{\n  "vars": {\n    "X": "1" // x\n  }\n}\n`,
      after: `{\n  "vars": {\n    "X": {\n      "a": 1\n    } // x\n  }\n}\n`,
    },
  ]);
});

describe("removing from JSON", () => {
  cases("json", [
    {
      name: "an item, with its own comment only",
      edit: { op: "remove", path: ["kv_namespaces", 1] },
      before: `{\n  "kv_namespaces": [\n    { "binding": "A" }, // about a\n    // b and c\n    { "binding": "B" }, // about b\n    { "binding": "C" }, // about c\n  ]\n}\n`,
      after: `{\n  "kv_namespaces": [\n    { "binding": "A" }, // about a\n    // b and c\n    { "binding": "C" }, // about c\n  ]\n}\n`,
    },
    {
      name: "the last item and the comma before it",
      edit: { op: "remove", path: ["kv_namespaces", 1] },
      before: `{\n  "kv_namespaces": [\n    { "binding": "A" }, // about a\n    { "binding": "B" } // about b\n  ]\n}\n`,
      after: `{\n  "kv_namespaces": [\n    { "binding": "A" } // about a\n  ]\n}\n`,
    },
    {
      name: "the only item, and what is empty then",
      edit: { op: "remove", path: ["env", "staging", "durable_objects", "bindings", 0], keep: 2 },
      before: `{\n  "name": "a",\n  "env": {\n    "staging": {\n      "durable_objects": { "bindings": [{ "name": "A", "class_name": "A" }] }\n    }\n  }\n}\n`,
      after: `{\n  "name": "a",\n  "env": {\n    "staging": {}\n  }\n}\n`,
    },
    {
      name: "a variable on one line",
      edit: { op: "remove", path: ["vars", "Y"] },
      before: `{ "vars": { "X": "1", "Y": "2" } }`,
      after: `{ "vars": { "X": "1" } }`,
    },
    {
      name: "the first of several on a line",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `{ "vars": { "X": "1" /* x */, "Y": "2" } }`,
      after: `{ "vars": { "Y": "2" } }`,
    },
    {
      name: "the first of several on a line, with a comment about the next one",
      edit: { op: "remove", path: ["vars", "X"] },
      before: `{ "vars": { "X": "1" /* x */, /* y */ "Y": "2" } }`,
      after: `{ "vars": { /* y */ "Y": "2" } }`,
    },
  ]);
});

describe("editConfig", () => {
  it("keeps a byte order mark", () => {
    expect(editConfig('\uFEFFname = "a"\n', "toml", [variable()])).toBe('\uFEFFname = "a"\n\n[vars]\nNEW = "n"\n');
    expect(editConfig('\uFEFF{ "vars": { "X": "1" } }', "json", [variable()])).toBe(
      '\uFEFF{ "vars": { "X": "1", "NEW": "n" } }',
    );
  });

  it("refuses what TOML cannot say, and what it cannot read", () => {
    const nothing: ConfigEdit = { op: "set", path: ["vars", "X"], value: null };
    expect(() => editConfig("", "toml", [nothing])).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(() => editConfig("a = ", "toml", [variable()])).toThrow(expect.objectContaining({ code: "CONFIG" }));
    expect(() => editConfig("{", "json", [variable()])).toThrow(expect.objectContaining({ code: "CONFIG" }));
    expect(() => editConfig("", "json", [variable()])).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it("changes nothing else in any combination of styles", () => {
    const sections = [
      'vars = { A = "1" }\n',
      'vars.A = "1" # dotted\n',
      '[vars]\nA = "1"\n# tail\n',
      '[[kv_namespaces]]\nbinding = "A"\n',
      'kv_namespaces = [{ binding = "A" }]\n',
      'kv_namespaces = [\n  # c\n  { binding = "A" } # d\n]\n',
      '[env.staging]\nvars = { A = "2" }\n',
      '[env.staging]\nvars.A = "2"\n',
      '# c\n[env.staging.vars]\nA = "2"\n',
      '[[env.staging.kv_namespaces]]\nbinding = "A"\n\n\n',
      'env.staging.vars.A = "2"\n',
      'env = { staging = { vars.A = "2" } }\n',
    ];
    const edits: ConfigEdit[] = [kv(), kv("env", "staging"), variable(), variable("env", "staging"), kv("env", "new")];
    const isTop = (section: string) => !/^(#.*\n)?\[/.test(section);
    let tried = 0;
    for (const first of sections) {
      for (const second of sections) {
        const ordered = isTop(second) ? second + first : first + second;
        for (const edit of edits) {
          let edited: string;
          try {
            edited = editConfig(ordered, "toml", [edit]);
          } catch (error) {
            // Two sections that define one table twice are no TOML.
            if ((error as TroupeError).code === "CONFIG") continue;
            throw new Error(`${JSON.stringify(edit)} on\n${ordered}`, { cause: error });
          }
          tried++;
          for (const line of ordered.split("\n").filter((text) => text.includes("#"))) {
            expect(edited).toContain(line.slice(line.indexOf("#")));
          }
        }
      }
    }
    expect(tried).toBeGreaterThan(300);
  });
});

describe("writeConfig", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "troupe-edit-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps the mode and a symbolic link, and leaves nothing else behind", async () => {
    const file = path.join(folder, "troupe.toml");
    const link = path.join(folder, "link.toml");
    writeFileSync(file, "old");
    chmodSync(file, 0o640);
    symlinkSync("troupe.toml", link);
    await writeConfig(link, "new");
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["link.toml", "troupe.toml"]);
  });

  it("tells the format by the name", () => {
    expect(["a/troupe.toml", "wrangler.json", "wrangler.jsonc"].map(formatOf)).toEqual(["toml", "json", "json"]);
  });
});
