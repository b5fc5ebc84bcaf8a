import type { Cloud } from "./cloud.ts";

/** What anybody could notice of an account. */
export function view(cloud: Cloud) {
  return Object.fromEntries(
    [...cloud.scripts].sort().map(([name, script]) => {
      const { metadata, parts, bindings, assets } = cloud.active(name)!;
      return [
        name,
        {
          shares: script.deployments[0]!.versions.map(({ percentage }) => percentage),
          code: parts[metadata.main_module]!.contents.toString(),
          // An id may be another one each time; that none is made twice is looked at by name.
          bindings: bindings.map(({ namespace_id: _, ...binding }) => JSON.stringify(binding)).sort(),
          files: assets && Object.keys(assets),
          subdomain: script.subdomain,
          schedules: script.schedules,
          routes: script.routes.map(({ pattern }) => pattern),
          tags: script.tags,
          consumers: cloud.queues.flatMap(({ consumers }) =>
            consumers.filter((consumer) => consumer.script === name).map(({ settings }) => settings),
          ),
          workflows: [...cloud.workflows.values()].filter(({ script_name }) => script_name === name),
        },
      ];
    }),
  );
}
