/** Routes and custom domains of a Worker. */
import { isDeepStrictEqual } from "node:util";
import type { Route } from "../../model.ts";
import { cloudflareCode } from "./api-error.ts";
import type { Around } from "./brief.ts";
import { clean, concerned, includes, type Trigger, type TriggerContext } from "./trigger.ts";
import { type NetRoute, ZoneRoutes } from "./zone-routes.ts";

/** "Authentication error": the token is good, but not for all zones of the account. */
const NOT_ALLOWED = 10000;

/** A custom domain, as the API has it. */
interface Domain extends Record<string, unknown> {
  hostname: string;
}

/** Routes that are patterns in a zone. */
export const plain = ({ routes }: Around): Route[] => routes.filter(({ customDomain }) => customDomain !== true);
/** Routes that are custom domains. */
export const custom = ({ routes }: Around): Route[] => routes.filter(({ customDomain }) => customDomain === true);

/** Those of the two kinds that this config, or one before it, has any of. */
export function routeTriggers(context: TriggerContext): (Trigger<NetRoute[]> | Trigger<Domain[]>)[] {
  return [
    ...(concerned(context, (environment) => plain(environment).length > 0) ? [routesTrigger(context)] : []),
    ...(concerned(context, (environment) => custom(environment).length > 0) ? [domainsTrigger(context)] : []),
  ];
}

function routesTrigger({ network, environment, previous, about }: TriggerContext): Trigger<NetRoute[]> {
  const { scriptName } = environment;
  const wanted = plain(environment).map(routeBody);
  const before = previous.flatMap(plain).map(routeBody);
  const zones = new ZoneRoutes(network, scriptName, about);
  const patterns = (routes: readonly NetRoute[]) => routes.map(({ pattern }) => pattern).sort();
  const orByZone = async <T>(all: Promise<T>, byZone: () => Promise<T>): Promise<T> => {
    try {
      return await all;
    } catch (error) {
      if (cloudflareCode(error) !== NOT_ALLOWED) throw error;
      return byZone();
    }
  };
  return {
    what: "routes",
    wanted,
    read() {
      const path = `${network.base}/workers/services/${scriptName}/environments/production/routes`;
      return orByZone(network.api.get<NetRoute[]>(path, { query: { show_zonename: true }, about }), () =>
        zones.read([...wanted, ...before]),
      );
    },
    equal: (found) => isDeepStrictEqual(patterns(found), patterns(wanted)),
    write(routes) {
      const body = routes.map(({ pattern, zone_id, zone_name }) => clean({ pattern, zone_id, zone_name }));
      return orByZone(network.api.put<unknown>(`${network.script(scriptName)}/routes`, { body, about }), () =>
        zones.write(body, [...wanted, ...before]),
      );
    },
  };
}

function routeBody({ pattern, zoneId, zoneName }: Route): NetRoute {
  return clean({ pattern, zone_id: zoneId, zone_name: zoneName });
}

/** A hostname that another Worker or DNS record has is a conflict, never taken over. */
function domainsTrigger({ network, environment, about }: TriggerContext): Trigger<Domain[]> {
  const { scriptName } = environment;
  const wanted = custom(environment).map(({ pattern, zoneId, zoneName, enabled, previewsEnabled }) =>
    clean({ hostname: pattern, zone_id: zoneId, zone_name: zoneName, enabled, previews_enabled: previewsEnabled }),
  );
  const hostnames = (domains: readonly Domain[]) => domains.map(({ hostname }) => hostname).sort();
  const switches = ({ enabled, previews_enabled }: Domain) => clean({ enabled, previews_enabled });
  return {
    what: "custom domains",
    wanted,
    read: () => network.api.list<Domain>(`${network.base}/workers/domains`, { query: { service: scriptName }, about }),
    equal: (found) =>
      isDeepStrictEqual(hostnames(found), hostnames(wanted)) &&
      wanted.every((domain) =>
        includes(
          found.find(({ hostname }) => hostname === domain.hostname),
          switches(domain),
        ),
      ),
    write: (domains) =>
      network.api.put(`${network.script(scriptName)}/domains/records`, {
        body: {
          override_scope: true,
          override_existing_origin: false,
          override_existing_dns_record: false,
          origins: domains.map((domain) => {
            const { hostname, zone_id, zone_name } = domain;
            return clean({ hostname, zone_id, zone_name, ...switches(domain) });
          }),
        },
        about,
      }),
  };
}
