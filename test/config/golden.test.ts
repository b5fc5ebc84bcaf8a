import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { GOLDEN, goldenCases, outcomeOf } from "./golden.ts";

const update = process.env.UPDATE_GOLDEN === "1";

describe("config files come to what stands beside them (UPDATE_GOLDEN=1 writes it anew)", async () => {
  it.each(await goldenCases())("$name", async (golden) => {
    const { kind, text } = await outcomeOf(golden);
    const expected = (ending: string) => path.join(GOLDEN, `${golden.name}.${ending}`);
    if (update) {
      await rm(expected(kind === "json" ? "err" : "json"), { force: true });
      await writeFile(expected(kind), text);
    }
    const ending = existsSync(expected("err")) ? "err" : "json";
    expect(text).toBe(await readFile(expected(ending), "utf8"));
  });
});
