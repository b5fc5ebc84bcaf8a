/** Questions to a person. Callers make sure that there is one (`context.interactive`) and know the answer if there isn't. */
import type { Context } from "../context.ts";
import { TroupeError } from "../errors.ts";

type Asked = Pick<Context, "stdin" | "stderr" | "signal">;

/** @throws TroupeError INTERRUPTED when the question is left with Ctrl-C or Escape */
export async function askText(context: Asked, question: { message: string; initial?: string }): Promise<string> {
  const { text } = await import("@clack/prompts");
  const { message, initial } = question;
  return answer<string>(await text({ ...streams(context), message, initialValue: initial, defaultValue: initial }));
}

/** @throws TroupeError INTERRUPTED when the question is left with Ctrl-C or Escape */
export async function askChoice<Value extends string>(
  context: Asked,
  question: { message: string; choices: { value: Value; label?: string; hint?: string }[] },
): Promise<Value> {
  const { select } = await import("@clack/prompts");
  const options = question.choices.map(({ value, label = value, hint }) => ({ value: value as string, label, hint }));
  return answer<Value>((await select({ ...streams(context), message: question.message, options })) as Value | symbol);
}

/** @throws TroupeError INTERRUPTED when the question is left with Ctrl-C or Escape */
export async function askYesNo(context: Asked, question: { message: string; initial?: boolean }): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  const { message, initial = true } = question;
  return answer<boolean>(await confirm({ ...streams(context), message, initialValue: initial }));
}

/** What is typed is not shown. @throws TroupeError INTERRUPTED when the question is left with Ctrl-C or Escape */
export async function askSecret(context: Asked, question: { message: string }): Promise<string> {
  const { password } = await import("@clack/prompts");
  return answer<string>(await password({ ...streams(context), message: question.message }));
}

/** Talk goes to stderr, as everywhere. */
function streams({ stdin, stderr, signal }: Asked) {
  return { input: stdin, output: stderr, signal };
}

/** clack gives a symbol of its own for "left without an answer". */
function answer<Value extends string | boolean>(given: Value | symbol): Value {
  if (typeof given === "symbol") throw new TroupeError("INTERRUPTED", "cancelled");
  return given;
}
