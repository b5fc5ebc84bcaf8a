import os from "node:os";
import { expect, test } from "vitest";
import { Admission } from "../../src/host/admission.ts";

const AT_ONCE = Math.max(2, os.availableParallelism());

/** Asks for `count`; those that may go are entered, in the order of `gone`. */
function ask(admission: Admission, count: number, gone: number[] = []): number[] {
  for (let index = 0; index < count; index++) {
    admission.pass(() => {
      gone.push(index);
      admission.enter();
    });
  }
  return gone;
}

test("everybody passes while nothing starts", () => {
  expect(ask(new Admission(() => false), 100)).toHaveLength(100);
});

test("a few at once while something starts, the others in their order, all of them when it is over", () => {
  let starting = true;
  const admission = new Admission(() => starting);
  const gone = ask(admission, AT_ONCE + 10);
  expect(gone).toHaveLength(AT_ONCE);
  admission.leave();
  admission.leave();
  expect(gone).toEqual(Array.from({ length: AT_ONCE + 2 }, (_, index) => index));
  starting = false;
  admission.leave();
  expect(gone).toHaveLength(AT_ONCE + 10);
});

test("nobody waits for good behind those that are slow", async () => {
  const admission = new Admission(() => true);
  ask(admission, AT_ONCE);
  await Promise.all(Array.from({ length: 5 }, () => new Promise<void>((resolve) => admission.pass(resolve))));
});
