/** What a tail is to tell, as the API takes it. https://developers.cloudflare.com/workers/wrangler/commands/#tail */
import { TroupeError } from "../../errors.ts";

/** How an invocation can have ended, in the words of `--status`. */
export const STATUSES = ["ok", "error", "canceled"] as const;

export interface TailFilters {
  status?: readonly (typeof STATUSES)[number][];
  method?: readonly string[];
  /** `NAME` or `NAME: TEXT`. */
  header?: string;
  /** `self`: the address that this request comes from. */
  ip?: readonly string[];
  /** Text in log messages. */
  search?: string;
  /** Share of the invocations, between 0 and 1. */
  samplingRate?: number;
  /** Id of a version. */
  version?: string;
}

const OUTCOMES: Record<(typeof STATUSES)[number], readonly string[]> = {
  ok: ["ok"],
  canceled: ["canceled"],
  error: ["exception", "exceededCpu", "exceededMemory", "unknown"],
};

/** @throws TroupeError USAGE for a rate that is none */
export function apiFilters(filters: TailFilters): Record<string, unknown>[] {
  const { status, method, header, ip, search, samplingRate, version } = filters;
  if (samplingRate !== undefined && !(samplingRate > 0 && samplingRate < 1)) {
    throw new TroupeError("USAGE", `--sampling-rate takes a share between 0 and 1, not ${samplingRate}`, {
      notes: ["0.25 tells every fourth invocation"],
    });
  }
  return [
    ...(samplingRate === undefined ? [] : [{ sampling_rate: samplingRate }]),
    ...(status ? [{ outcome: [...new Set(status.flatMap((each) => OUTCOMES[each]))] }] : []),
    ...(method ? [{ method }] : []),
    ...(header === undefined ? [] : [{ header: headerOf(header) }]),
    ...(ip ? [{ client_ip: ip }] : []),
    ...(search === undefined ? [] : [{ query: search }]),
    ...(version === undefined ? [] : [{ scriptVersion: version }]),
  ];
}

function headerOf(header: string): { key: string; query?: string } {
  const colon = header.indexOf(":");
  if (colon < 0) return { key: header.trim() };
  return { key: header.slice(0, colon).trim(), query: header.slice(colon + 1).trim() };
}
