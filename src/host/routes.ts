/**
 * Custom routes and custom domains: which environment a URL belongs to, by Cloudflare's rules.
 * https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior
 */
import { domainToASCII } from "node:url";
import type { Route } from "../model.ts";

/** A route pattern taken apart. */
export interface ParsedRoute {
  /** "http" or "https"; undefined: both. */
  scheme?: "http" | "https";
  /** Lower case, without the wildcard before it; empty for a wildcard alone. */
  host: string;
  /** `exact`: this host · `below`: its subhosts (`*.host`) · `around`: the host and its subhosts (`*host`). */
  hosts: "exact" | "below" | "around";
  /** With the query, which counts in matching; without the wildcard behind it. */
  path: string;
  anySuffix: boolean;
}

/** The pattern is no route: says why, in a sentence. */
export class RouteFault extends Error {}

/** @throws RouteFault for what Cloudflare would not take either */
export function parseRoute({ pattern, customDomain }: Pick<Route, "pattern" | "customDomain">): ParsedRoute {
  const match = /^(?:(https?):\/\/)?([^/?]*)(\/[^?]*)?(\?.*)?$/is.exec(pattern);
  const [, scheme, authority = "", path = "/", query] = match ?? [];
  const fault = (why: string) => new RouteFault(`The route "${pattern}" ${why}`);
  if (!match || authority === "") throw fault("has no hostname");
  if (query !== undefined) throw fault("has a query: those cannot be told apart in routes");
  if (/[:@]/.test(authority)) throw fault("has a port or a user: only a hostname can stand there");
  const wildcard = /^\*\.?/.exec(authority)?.[0] ?? "";
  const rest = authority.slice(wildcard.length);
  if (rest.includes("*")) throw fault("has a `*` inside its hostname: it may stand at the beginning only");
  if (path.slice(0, -1).includes("*")) throw fault("has a `*` inside its path: it may stand at the end only");
  const host = domainToASCII(rest.toLowerCase());
  if (host === "" && (rest !== "" || wildcard !== "*")) throw fault("has no valid hostname");
  if (customDomain && (wildcard !== "" || path !== "/" || scheme !== undefined)) {
    throw fault("is a custom domain: it takes a hostname and nothing else");
  }
  const anySuffix = path.endsWith("*");
  return {
    ...(scheme && { scheme: scheme.toLowerCase() as "http" | "https" }),
    host,
    hosts: wildcard === "" ? "exact" : wildcard === "*." ? "below" : "around",
    path: customDomain ? "/" : anySuffix ? path.slice(0, -1) : path,
    anySuffix: customDomain === true || anySuffix,
  };
}

/** @returns why it is no route, in a sentence; undefined for one that is */
export function routeFault(route: Route): string | undefined {
  try {
    parseRoute(route);
    return undefined;
  } catch (error) {
    if (error instanceof RouteFault) return error.message;
    throw error;
  }
}

/** @param url `path` is path and query as the client sent them */
function matchesRoute(route: ParsedRoute, url: { scheme: string; host: string; path: string }): boolean {
  if (route.scheme !== undefined && route.scheme !== url.scheme) return false;
  if (!matchesHost(route, url.host)) return false;
  return route.anySuffix ? url.path.startsWith(route.path) : url.path === route.path;
}

function matchesHost(route: ParsedRoute, host: string): boolean {
  if (route.hosts !== "below" && (host === route.host || route.host === "")) return true;
  return route.hosts !== "exact" && host.endsWith(`.${route.host}`);
}

/** Below 0 when `a` is the more specific of two routes that match the same URL: the host counts first, then the path. */
function compareRoutes(a: ParsedRoute, b: ParsedRoute): number {
  const rank = { exact: 0, below: 1, around: 2 };
  return (
    Number(a.hosts !== "exact") - Number(b.hosts !== "exact") ||
    b.host.length - a.host.length ||
    rank[a.hosts] - rank[b.hosts] ||
    b.path.length - a.path.length ||
    Number(a.anySuffix) - Number(b.anySuffix) ||
    Number(b.scheme !== undefined) - Number(a.scheme !== undefined)
  );
}

/** What the routes of several environments lead to. */
export interface RouteTable {
  /** @returns the owner of the most specific route that matches */
  find(url: { scheme: string; host: string; path: string }): string | undefined;
  /** Whether a hostname has a route, whatever the path. */
  covers(host: string): boolean;
}

interface Owned {
  owner: string;
  route: ParsedRoute;
  customDomain: boolean;
}

/** @param owners who has which routes; what is no valid route is left out (`deploy` refuses it) */
export function routeTable(owners: Iterable<readonly [owner: string, routes: readonly Route[]]>): RouteTable {
  const exact = new Map<string, Owned[]>();
  const wild: Owned[] = [];
  for (const owned of parseAll(owners)) {
    if (owned.route.hosts !== "exact") wild.push(owned);
    else exact.set(owned.route.host, [...(exact.get(owned.route.host) ?? []), owned]);
  }
  // A route goes before a custom domain: a Worker on a route runs in front of it.
  // https://developers.cloudflare.com/workers/configuration/routing/custom-domains/#worker-to-worker-communication
  const order = (a: Owned, b: Owned) =>
    Number(a.customDomain) - Number(b.customDomain) || compareRoutes(a.route, b.route);
  for (const list of [...exact.values(), wild]) list.sort(order);
  return {
    covers: (host) => exact.has(host) || wild.some(({ route }) => matchesHost(route, host)),
    find(url) {
      const hit = ({ route }: Owned) => matchesRoute(route, url);
      const own = exact.get(url.host)?.find(hit);
      return (own && !own.customDomain ? own : (wild.find(hit) ?? own))?.owner;
    },
  };
}

/**
 * Patterns that two environments claim: which of them answers could not be told.
 * @returns one sentence each, with the owners
 */
export function routeConflicts(
  owners: Iterable<readonly [owner: string, routes: readonly Route[]]>,
): { pattern: string; owners: string[]; message: string }[] {
  const claims = new Map<string, { pattern: string; owners: Set<string> }>();
  for (const [owner, routes] of owners) {
    for (const each of routes) {
      const key = routeKey(each);
      if (key === undefined) continue;
      const claim = claims.get(key) ?? { pattern: each.pattern, owners: new Set() };
      claim.owners.add(owner);
      claims.set(key, claim);
    }
  }
  return [...claims.values()]
    .filter((claim) => claim.owners.size > 1)
    .map(({ pattern, owners: found }) => {
      const names = [...found].sort();
      return { pattern, owners: names, message: `The route "${pattern}" belongs to ${names.join(" and ")}` };
    });
}

/** Equal for patterns that mean the same; undefined for what is no route. */
function routeKey(each: Route): string | undefined {
  if (routeFault(each) !== undefined) return undefined;
  const { scheme = "", hosts, host, path, anySuffix } = parseRoute(each);
  return JSON.stringify([each.customDomain === true, scheme, hosts, host, path, anySuffix]);
}

function parseAll(owners: Iterable<readonly [owner: string, routes: readonly Route[]]>): Owned[] {
  return [...owners].flatMap(([owner, routes]) =>
    routes.flatMap((each) => {
      if (routeFault(each) !== undefined) return [];
      return [{ owner, route: parseRoute(each), customDomain: each.customDomain === true }];
    }),
  );
}
