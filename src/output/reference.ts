/** What stands behind an arrow, `→ auth@staging`. */

/**
 * What the arrow leaves open: the entrypoint or class, and why it leads to this environment.
 * @param describe how the kind says what is bound: "auth", "auth@staging (Verifier)", "Counter"
 * @returns "" when there is nothing left to say
 */
export function referenceDetails(
  target: { service: string; environment: string; why?: string | undefined },
  describe = "",
): string {
  const { service, environment, why } = target;
  const named = [`${service}@${environment}`, service].find(
    (name) => describe === name || describe.startsWith(`${name} `),
  );
  const what = describe.slice(named?.length ?? 0).trim();
  return [what, why].filter(Boolean).join(", ");
}
