/** What main() does with what goes wrong around a command; the rest is tested through the binary. */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { explainSystemError } from "../../src/cli/system-error.ts";
import { TroupeError } from "../../src/errors.ts";
import { replaceFile } from "../../src/lib/replace-file.ts";
import { main, type Outside } from "../../src/main.ts";

function outside(given: Partial<Outside> = {}): { outside: Outside; text(): string } {
  const stderr = new PassThrough();
  return {
    outside: {
      cwd: "/",
      env: {},
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr,
      now: () => new Date(),
      fetch,
      signal: new AbortController().signal,
      crash: new Promise<never>(() => {}),
      ...given,
    },
    text: () => String(stderr.read() ?? ""),
  };
}

describe("the exit code", () => {
  test("is 1 when something crashed beside the command", async () => {
    const world = outside({ crash: Promise.reject(new RangeError("lost")) });
    expect(await main(["completion", "bash"], world.outside)).toBe(1);
    expect(world.text()).toMatch(/^error: a bug in troupe: RangeError: lost\n/);
  });

  test("is 130 after a signal, however the command ended", async () => {
    const signal = AbortSignal.abort("SIGINT");
    expect(await main(["completion", "bash"], outside({ signal }).outside)).toBe(130);
    const aborted = Promise.reject(new DOMException("This operation was aborted", "AbortError"));
    const world = outside({ signal, crash: aborted });
    expect(await main(["completion", "bash"], world.outside)).toBe(130);
    expect(world.text()).toBe("");
  });

  test("is 0 when only the reader went away", async () => {
    expect(await main(["completion", "bash"], outside({ signal: AbortSignal.abort("EPIPE") }).outside)).toBe(0);
  });
});

describe("what the operating system refuses", () => {
  const refusal = (code: string) =>
    Object.assign(new Error(code), { code, syscall: "open", path: "/data/x", errno: -1 }) as NodeJS.ErrnoException;

  test.each([
    ["EROFS", "/data/x: the file system is read-only"],
    ["EACCES", "/data/x: permission denied"],
    ["ENOSPC", "/data/x: no space left on the disk"],
  ])("%s is no bug", (code, message) => {
    const explained = explainSystemError(refusal(code));
    expect(explained).toBeInstanceOf(TroupeError);
    expect(explained).toMatchObject({ code: "PRECONDITION", message, notes: [expect.any(String)] });
  });

  test("a file that is replaced is named, not the one beside it that is moved there", async () => {
    const file = "/nobody-has-this/troupe.toml";
    await expect(replaceFile(file, "")).rejects.toMatchObject({ code: "ENOENT", path: file });
  });

  test("anything else stays what it is", () => {
    for (const error of [refusal("EBADF"), new TypeError("x"), new TroupeError("USAGE", "x"), "text"]) {
      expect(explainSystemError(error)).toBe(error);
    }
  });
});
