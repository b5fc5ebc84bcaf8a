const PACKAGE_MANAGERS = ["npm", "pnpm", "yarn", "bun"] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/**
 * The package manager that somebody works with: the one that runs this process, by the agent string that all of them
 * put into the environment ("pnpm/10.1.0 npm/? node/v24…"). npm when none does.
 */
export function packageManagerOf(env: Record<string, string | undefined>): PackageManager {
  const agent = env.npm_config_user_agent?.split("/", 1)[0];
  return PACKAGE_MANAGERS.find((name) => name === agent) ?? "npm";
}

/** How one starts a package's command with it: "npx troupe". */
export function execCommand(manager: PackageManager): string {
  return { npm: "npx", pnpm: "pnpm", yarn: "yarn", bun: "bunx" }[manager];
}
