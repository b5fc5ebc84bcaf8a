import kleur from "kleur";
import type { Style } from "./output.ts";

const NAMES = ["bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan", "underline"] as const;

const COLOURED: Style = Object.fromEntries(
  NAMES.map((name) => [
    name,
    (text: string) => {
      // kleur looks at the process' own stdout; which stream is meant is known only here.
      kleur.enabled = true;
      return kleur[name](text);
    },
  ]),
) as unknown as Style;

const PLAIN: Style = Object.fromEntries(NAMES.map((name) => [name, (text: string) => text])) as unknown as Style;

/** Functions that colour text, or leave it as it is. */
export function createStyle(coloured: boolean): Style {
  return coloured ? COLOURED : PLAIN;
}

/** Whether to colour what goes to a stream: on a terminal, unless NO_COLOR (https://no-color.org) or FORCE_COLOR say otherwise. */
export function wantsColour(stream: { isTTY?: boolean }, env: Record<string, string | undefined>): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}
