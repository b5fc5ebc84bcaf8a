/**
 * Routes by their zones, for a token that may not see all zones of the account: the API takes all routes of a Worker at once from
 * one that may. https://developers.cloudflare.com/api/resources/workers/subresources/routes/
 */
import { TroupeError } from "../../errors.ts";
import type { Network } from "./network.ts";

/** A route as the account's API has it. */
export interface NetRoute {
  pattern: string;
  zone_id?: string;
  zone_name?: string;
}

interface ZoneRoute {
  id: string;
  pattern: string;
  script?: string;
}

/** The routes of one Worker in the zones that the token sees. */
export class ZoneRoutes {
  readonly #network: Network;
  readonly #script: string;
  readonly #about: string;
  readonly #zones = new Map<string, Promise<string | undefined>>();

  constructor(network: Network, script: string, about: string) {
    this.#network = network;
    this.#script = script;
    this.#about = about;
  }

  /** The script's routes in the zones of these. */
  async read(near: readonly NetRoute[]): Promise<NetRoute[]> {
    const found: NetRoute[] = [];
    for (const zone of (await this.#byZone(near)).keys()) {
      const own = (await this.#list(zone)).filter(({ script }) => script === this.#script);
      found.push(...own.map(({ pattern }) => ({ pattern, zone_id: zone })));
    }
    return found;
  }

  /**
   * Makes these the script's routes in the zones that they, or `near`, lie in.
   * @throws TroupeError CONFLICT for a route of another Worker, PRECONDITION for one whose zone the token does not see
   */
  async write(routes: readonly NetRoute[], near: readonly NetRoute[]): Promise<void> {
    const wanted = await this.#byZone(routes);
    for (const zone of (await this.#byZone(near)).keys()) if (!wanted.has(zone)) wanted.set(zone, new Set());
    for (const [zone, patterns] of wanted) {
      const path = `/zones/${zone}/workers/routes`;
      const there = await this.#list(zone);
      for (const { id, pattern, script } of there) {
        if (script !== this.#script && patterns.has(pattern)) {
          throw new TroupeError("CONFLICT", `${this.#about}: the route ${pattern} belongs to the Worker "${script}"`, {
            notes: ["Take it away from that one first"],
          });
        }
        if (script === this.#script && !patterns.has(pattern)) {
          await this.#network.api.delete(`${path}/${id}`, { about: this.#about });
        }
      }
      const known = new Set(there.map(({ pattern }) => pattern));
      for (const pattern of patterns) if (!known.has(pattern)) await this.#add(zone, pattern);
    }
  }

  async #add(zone: string, pattern: string): Promise<void> {
    await this.#network.api.post<ZoneRoute>(`/zones/${zone}/workers/routes`, {
      body: { pattern, script: this.#script },
      about: this.#about,
      landed: async () =>
        (await this.#list(zone)).find((route) => route.pattern === pattern && route.script === this.#script),
    });
  }

  #list(zone: string): Promise<ZoneRoute[]> {
    return this.#network.api.list<ZoneRoute>(`/zones/${zone}/workers/routes`, { about: this.#about });
  }

  async #byZone(routes: readonly NetRoute[]): Promise<Map<string, Set<string>>> {
    const zones = new Map<string, Set<string>>();
    for (const route of routes) {
      const zone = route.zone_id ?? (await this.#zoneOf(route));
      zones.set(zone, (zones.get(zone) ?? new Set()).add(route.pattern));
    }
    return zones;
  }

  async #zoneOf({ pattern, zone_name }: NetRoute): Promise<string> {
    const host = pattern.replace(/^[a-z]+:\/\//i, "").split("/")[0]!;
    const labels = host.replace(/^\*\.?/, "").split(".");
    // The zone of shop.example.com is that or, more likely, example.com.
    const names = zone_name === undefined ? labels.map((_, index) => labels.slice(index).join(".")) : [zone_name];
    for (const name of names.filter((each) => each.includes("."))) {
      const found = await this.#find(name);
      if (found !== undefined) return found;
    }
    throw new TroupeError("PRECONDITION", `${this.#about}: the token sees no zone that the route ${pattern} lies in`, {
      notes: ["Write zone_id beside the route, or give the token the permission to read the zone"],
    });
  }

  #find(name: string): Promise<string | undefined> {
    const known = this.#zones.get(name);
    if (known) return known;
    const query = { name, "account.id": this.#network.accountId };
    const found = this.#network.api
      .list<{ id: string; name: string }>("/zones", { query, about: this.#about })
      .then((zones) => zones.find((zone) => zone.name === name)?.id);
    this.#zones.set(name, found);
    return found;
  }
}
