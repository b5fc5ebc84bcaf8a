/** What an account holds, and what the API does to it. Rules that a deploy could break are held here as the network holds them. */
import { createHash, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export const ACCOUNT = "0123456789abcdef0123456789abcdef";
export const ZONE = "fedcba9876543210fedcba9876543210";

export class ApiFault extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: bodies are whatever a client sends
type Json = any;

export interface Part {
  type: string;
  filename: string;
  contents: Buffer;
}

export interface CloudVersion {
  id: string;
  number: number;
  metadata: Json;
  parts: Record<string, Part>;
  secrets: Record<string, string>;
  bindings: Json[];
  annotations: Record<string, string>;
  created_on: string;
  /** The migration that was the last when it was made. */
  migration_tag?: string;
  assets?: Record<string, { hash: string; size: number }>;
  headers: Record<string, string>;
}

export interface CloudScript {
  id: string;
  tags: string[];
  migration_tag?: string;
  classes: Set<string>;
  versions: CloudVersion[];
  deployments: {
    id: string;
    created_on: string;
    annotations: Record<string, string>;
    versions: { version_id: string; percentage: number }[];
  }[];
  subdomain: { enabled: boolean; previews_enabled: boolean };
  schedules: string[];
  routes: { id: string; pattern: string; script: string; zone_name?: string; zone_id?: string }[];
  settings: Record<string, Json>;
  created_on: string;
}

export interface CloudRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Json;
  headers: IncomingHttpHeaders;
}

export interface CloudToken {
  type: "user" | "account";
  status: "active" | "disabled" | "expired";
  /** Absent: it may not read its user. */
  email?: string;
  mayReadMemberships: boolean;
  /** Absent: it may not read itself. */
  permissions?: string[];
  expires_on?: string;
}

type Handler = (request: CloudRequest, ...names: string[]) => unknown;

export class Cloud {
  scripts = new Map<string, CloudScript>();
  kv: { id: string; title: string }[] = [];
  d1: { uuid: string; name: string }[] = [];
  r2: { name: string }[] = [];
  queues: { queue_id: string; queue_name: string; consumers: Json[] }[] = [];
  workflows = new Map<string, Json>();
  domains: {
    id: string;
    hostname: string;
    service: string;
    environment: string;
    zone_id?: string;
    zone_name?: string;
  }[] = [];
  certificates: { id: string; name: string; certificates: string }[] = [];
  /** Dispatch namespaces. */
  tenants = ["tenants"];
  /** What the token sees, and what it is. */
  accounts: { id: string; name: string; roles: string[] }[] = [{ id: ACCOUNT, name: "Acme", roles: ["Administrator"] }];
  token: CloudToken = { type: "user", status: "active", email: "dev@example.com", mayReadMemberships: true };
  subdomain: string | undefined = "acme";
  assets = new Set<string>();
  /** Hash of an asset → what it is served as. */
  assetTypes = new Map<string, string>();
  #made = 0;
  #sessions = new Map<string, Record<string, { hash: string; size: number }>>();
  /** Tails of scripts that are open. */
  tails: { id: string; script: string; filters: Json; url: string }[] = [];
  tailUrl = "";
  /** How long a tail is open, in ms. */
  tailLife = 3_600_000;

  /** Another account that holds the same. Versions and their like never change, and are shared. */
  copy(): Cloud {
    const copy = new Cloud();
    for (const [name, script] of this.scripts) {
      const { versions, deployments, classes, ...rest } = script;
      const plain = structuredClone(rest);
      copy.scripts.set(name, {
        ...plain,
        versions: [...versions],
        deployments: [...deployments],
        classes: new Set(classes),
      });
    }
    for (const key of ["kv", "d1", "r2", "queues", "domains", "certificates", "tails"] as const) {
      copy[key] = structuredClone(this[key]) as never;
    }
    copy.workflows = structuredClone(this.workflows);
    copy.assets = new Set(this.assets);
    copy.assetTypes = new Map(this.assetTypes);
    copy.#made = this.#made;
    copy.#sessions = new Map(this.#sessions);
    return copy;
  }

  /** The version with the largest share. */
  active(name: string): CloudVersion | undefined {
    const script = this.scripts.get(name);
    const [largest] = [...(script?.deployments[0]?.versions ?? [])].sort((a, b) => b.percentage - a.percentage);
    return script?.versions.find(({ id }) => id === largest?.version_id);
  }

  async handle(request: CloudRequest): Promise<unknown> {
    for (const [method, pattern, handler] of this.#routes) {
      if (method !== request.method) continue;
      const found = pattern.exec(request.path);
      if (found) return handler(request, ...found.slice(1).map(decodeURIComponent));
    }
    throw new ApiFault(
      404,
      7003,
      `Could not route to ${request.path}, perhaps your object identifier is invalid? (${request.method})`,
    );
  }

  readonly #routes: [method: string, pattern: RegExp, handler: Handler][] = [
    ["GET", /^\/user\/tokens\/verify$/, () => this.#verify("user")],
    ["GET", /^\/user\/tokens\/token$/, () => this.#tokenDetail()],
    ["GET", /^\/accounts\/[^/]+\/tokens\/verify$/, () => this.#verify("account")],
    ["GET", /^\/accounts\/[^/]+\/tokens\/token$/, () => this.#tokenDetail()],
    ["GET", /^\/user$/, () => allowed(this.token.email && { id: "user", email: this.token.email }, 9109)],
    ["GET", /^\/memberships$/, () => allowed(this.token.mayReadMemberships && this.accounts.map(membership), 9109)],
    ["GET", /^\/accounts$/, () => this.accounts.map(({ id, name }) => ({ id, name }))],
    ["GET", /^\/zones$/, ({ query }) => this.#zones(query.get("name"))],
    ["GET", /^\/zones\/[^/]+\/workers\/routes$/, () => [...this.scripts.values()].flatMap(({ routes }) => routes)],
    ["POST", /^\/zones\/[^/]+\/workers\/routes$/, ({ body }) => this.#addRoute(body)],
    ["DELETE", /^\/zones\/[^/]+\/workers\/routes\/([^/]+)$/, (_request, id) => this.#deleteRoute(id!)],
    ...this.#account([
      ["GET", "/workers/subdomain", () => this.#subdomainOf()],
      ["GET", "/workers/scripts", () => [...this.scripts.values()].map(scriptView)],
      [
        "GET",
        "/workers/workers/:name",
        (_request, name) => ({ id: name, name, subdomain: this.#script(name!).subdomain }),
      ],
      ["PATCH", "/workers/workers/:name", ({ body }, name) => this.#edit(name!, body)],
      [
        "GET",
        "/workers/workers/:name/versions/:id",
        ({ query }, name, id) => this.#withModules(this.#version(name!, id!), query.get("include")),
      ],
      ["GET", "/workers/scripts/:name/references", (_request, name) => this.#references(name!)],
      ["GET", "/workers/tails/by-consumer/:name", (_request, name) => this.#producers(name!)],
      ["GET", "/workers/services/:name", (_request, name) => this.#service(name!)],
      ["GET", "/workers/services/:name/environments/production/routes", (_request, name) => this.#script(name!).routes],
      ["PUT", "/workers/scripts/:name", (request, name) => this.#put(name!, request)],
      ["DELETE", "/workers/scripts/:name", (request, name) => this.#delete(name!, request)],
      ["GET", "/workers/scripts/:name/settings", (_request, name) => this.#settings(name!)],
      ["GET", "/workers/scripts/:name/script-settings", (_request, name) => this.#scriptSettings(name!)],
      ["PATCH", "/workers/scripts/:name/script-settings", ({ body }, name) => this.#patchSettings(name!, body)],
      ["GET", "/workers/scripts/:name/secrets", (_request, name) => this.#secrets(name!)],
      [
        "GET",
        "/workers/scripts/:name/versions",
        (request, name) => ({ items: this.#listVersions(name!, request.query) }),
      ],
      ["POST", "/workers/scripts/:name/versions", (request, name) => this.#addVersion(name!, request)],
      ["GET", "/workers/scripts/:name/versions/:id", (_request, name, id) => versionView(this.#version(name!, id!))],
      [
        "GET",
        "/workers/scripts/:name/deployments",
        (_request, name) => ({ deployments: this.#script(name!).deployments }),
      ],
      ["POST", "/workers/scripts/:name/deployments", ({ body }, name) => this.#deploy(name!, body)],
      ["GET", "/workers/scripts/:name/subdomain", (_request, name) => this.#script(name!).subdomain],
      ["POST", "/workers/scripts/:name/subdomain", ({ body }, name) => this.#setSubdomain(name!, body)],
      [
        "GET",
        "/workers/scripts/:name/schedules",
        (_request, name) => ({ schedules: this.#script(name!).schedules.map((cron) => ({ cron })) }),
      ],
      ["PUT", "/workers/scripts/:name/schedules", ({ body }, name) => this.#setSchedules(name!, body)],
      ["PUT", "/workers/scripts/:name/routes", ({ body }, name) => this.#setRoutes(name!, body)],
      ["POST", "/workers/scripts/:name/domains/changeset", ({ body }, name) => this.#changeset(name!, body)],
      ["PUT", "/workers/scripts/:name/domains/records", ({ body }, name) => this.#setDomains(name!, body)],
      [
        "GET",
        "/workers/domains",
        ({ query }) => this.domains.filter(({ service }) => !query.get("service") || service === query.get("service")),
      ],
      ["POST", "/workers/scripts/:name/assets-upload-session", ({ body }) => this.#session(body.manifest)],
      ["POST", "/workers/assets/upload", (request) => this.#upload(request)],
      ["POST", "/workers/scripts/:name/tails", ({ body }, name) => this.#tail(name!, body)],
      ["DELETE", "/workers/scripts/:name/tails/:id", (_request, _name, id) => this.#endTail(id!)],
      ["GET", "/storage/kv/namespaces", () => this.kv],
      [
        "POST",
        "/storage/kv/namespaces",
        ({ body }) => this.#make(this.kv, "title", body.title, { id: this.#hex(), title: body.title }),
      ],
      [
        "GET",
        "/d1/database",
        ({ query }) => this.d1.filter(({ name }) => !query.get("name") || name.includes(query.get("name")!)),
      ],
      [
        "POST",
        "/d1/database",
        ({ body }) => this.#make(this.d1, "name", body.name, { uuid: randomUUID(), name: body.name }),
      ],
      [
        "GET",
        "/d1/database/:name",
        (_request, name) =>
          found(
            this.d1.find((database) => database.uuid === name || database.name === name),
            7404,
            "The database could not be found.",
          ),
      ],
      ["GET", "/r2/buckets", () => ({ buckets: this.r2 })],
      [
        "GET",
        "/r2/buckets/:name",
        (_request, name) =>
          found(
            this.r2.find((bucket) => bucket.name === name),
            10006,
            "The specified bucket does not exist.",
          ),
      ],
      ["POST", "/r2/buckets", ({ body }) => this.#make(this.r2, "name", body.name, { name: body.name })],
      ["GET", "/workers/dispatch/namespaces", () => this.tenants.map((namespace_name) => ({ namespace_name }))],
      ["GET", "/ai-search/namespaces/:name", (_request, name) => ({ name })],
      ["GET", "/agent-memory/namespaces/:name", (_request, name) => ({ name })],
      ["POST", "/agent-memory/namespaces", ({ body }) => body],
      ["GET", "/flagship/apps", () => [{ id: "0199295b-b3ac-7760-8246-bca40877b3e9" }]],
      [
        "GET",
        "/queues",
        ({ query }) =>
          this.queues.filter(
            ({ queue_name }) => query.getAll("name").length === 0 || query.getAll("name").includes(queue_name),
          ),
      ],
      [
        "POST",
        "/queues",
        ({ body }) =>
          this.#make(this.queues, "queue_name", body.queue_name, {
            queue_id: this.#hex(),
            queue_name: body.queue_name,
            consumers: [],
          }),
      ],
      ["POST", "/queues/:id/consumers", ({ body }, id) => this.#addConsumer(id!, body)],
      ["PUT", "/queues/:id/consumers/:consumer", ({ body }, id, consumer) => this.#setConsumer(id!, consumer!, body)],
      ["DELETE", "/queues/:id/consumers/:consumer", (_request, id, consumer) => this.#deleteConsumer(id!, consumer!)],
      ["GET", "/workflows", () => [...this.workflows.values()]],
      ["GET", "/workflows/:name", (_request, name) => found(this.workflows.get(name!), 10200, "workflow.not_found")],
      ["PUT", "/workflows/:name", ({ body }, name) => this.#setWorkflow(name!, body)],
      ["DELETE", "/workflows/:name", (_request, name) => ({ status: "ok", success: this.workflows.delete(name!) })],
      ["GET", "/mtls_certificates", () => this.certificates],
      [
        "POST",
        "/mtls_certificates",
        ({ body }) => this.#make(this.certificates, "name", body.name, { id: randomUUID(), ...body }),
      ],
      ["DELETE", "/storage/kv/namespaces/:id", (_request, id) => this.#remove(this.kv, "id", id!)],
      ["DELETE", "/d1/database/:id", (_request, id) => this.#remove(this.d1, "uuid", id!)],
      ["DELETE", "/r2/buckets/:name", (_request, name) => this.#remove(this.r2, "name", name!)],
      ["DELETE", "/queues/:id", (_request, id) => this.#deleteQueue(id!)],
    ]),
  ];

  #account(routes: [string, string, Handler][]): [string, RegExp, Handler][] {
    return routes.map(([method, path, handler]) => [
      method,
      new RegExp(`^/accounts/${ACCOUNT}${path.replace(/:\w+/g, "([^/]+)")}$`),
      handler,
    ]);
  }

  #verify(type: CloudToken["type"]) {
    const { status, expires_on } = this.token;
    if (type !== this.token.type) throw new ApiFault(401, 1000, "Invalid API Token");
    return { id: "token", status, ...(expires_on && { expires_on }) };
  }

  #tokenDetail() {
    const { permissions, status, expires_on } = this.token;
    const groups = allowed(permissions, 9109).map((name) => ({ id: name, name }));
    return {
      id: "token",
      name: "deploys",
      status,
      expires_on,
      policies: [{ effect: "allow", permission_groups: groups }],
    };
  }

  #subdomainOf() {
    if (!this.subdomain) throw new ApiFault(404, 10007, "workers.api.error.subdomain_not_found");
    return { subdomain: this.subdomain };
  }

  #script(name: string): CloudScript {
    return found(this.scripts.get(name), 10007, "This Worker does not exist on your account.");
  }

  #version(name: string, id: string): CloudVersion {
    return found(
      this.#script(name).versions.find((version) => version.id === id),
      10009,
      "Version not found.",
    );
  }

  #service(name: string) {
    const script = found(this.scripts.get(name), 10090, "workers.api.error.service_not_found");
    return {
      id: name,
      default_environment: {
        environment: "production",
        script: { ...scriptView(script), tag: "tag", last_deployed_from: "wrangler" },
      },
    };
  }

  #listVersions(name: string, query: URLSearchParams) {
    const page = Number(query.get("page") ?? 1);
    const size = Number(query.get("per_page") ?? 10);
    return [...this.#script(name).versions]
      .reverse()
      .slice((page - 1) * size, page * size)
      .map(({ bindings: _, ...version }) => versionSummary(version));
  }

  #settings(name: string) {
    const script = this.#script(name);
    return {
      bindings: this.active(name)?.bindings.map(withoutText) ?? [],
      tags: script.tags,
      migration_tag: script.migration_tag,
    };
  }

  #scriptSettings(name: string) {
    const { settings, tags } = this.#script(name);
    return { logpush: false, tail_consumers: null, observability: null, ...settings, tags };
  }

  #patchSettings(name: string, body: Json) {
    const script = this.#script(name);
    const { tags, ...settings } = body;
    if (tags) script.tags = tags;
    Object.assign(script.settings, settings);
    return this.#scriptSettings(name);
  }

  #secrets(name: string) {
    this.#script(name);
    const newest = this.scripts.get(name)!.versions.at(-1);
    return Object.keys(newest?.secrets ?? {}).map((secret) => ({ name: secret, type: "secret_text" }));
  }

  async #put(name: string, { body, headers }: CloudRequest) {
    const known = this.scripts.get(name);
    const metadata = JSON.parse(String(body.get("metadata")));
    const script: CloudScript = known ?? {
      id: name,
      tags: [],
      classes: new Set(),
      versions: [],
      deployments: [],
      subdomain: { enabled: false, previews_enabled: false },
      schedules: [],
      routes: [],
      settings: {},
      created_on: now(),
    };
    const { migrations } = metadata;
    const classes = new Set(script.classes);
    if (migrations) {
      if ((migrations.old_tag ?? undefined) !== script.migration_tag) {
        throw new ApiFault(
          412,
          10079,
          `Migration tag precondition failed; expected tag ${migrations.old_tag}, current tag ${script.migration_tag}`,
        );
      }
      for (const step of migrations.steps) {
        for (const made of [...(step.new_classes ?? []), ...(step.new_sqlite_classes ?? [])]) classes.add(made);
        for (const { from, to } of step.renamed_classes ?? []) if (classes.delete(from)) classes.add(to);
        for (const gone of step.deleted_classes ?? []) classes.delete(gone);
      }
    }
    for (const [exported, { type }] of Object.entries<Json>(metadata.exports ?? {}))
      if (type === "durable-object") classes.add(exported);
    const candidate = { ...script, classes, ...(migrations && { migration_tag: migrations.new_tag }) };
    const version = await this.#makeVersion(candidate, metadata, body, headers);
    Object.assign(script, { classes, ...(migrations && { migration_tag: migrations.new_tag }) });
    this.scripts.set(name, script);
    script.versions.push(version);
    Object.assign(script.settings, {
      logpush: metadata.logpush ?? script.settings.logpush ?? false,
      tail_consumers: metadata.tail_consumers ?? null,
      observability: metadata.observability ?? null,
    });
    this.#deployed(script, [{ version_id: version.id, percentage: 100 }], metadata.annotations ?? {});
    return { ...scriptView(script), deployment_id: version.id.replaceAll("-", ""), startup_time_ms: 3 };
  }

  async #addVersion(name: string, { body, headers }: CloudRequest) {
    const script = this.#script(name);
    const metadata = JSON.parse(String(body.get("metadata")));
    if (metadata.migrations) throw new ApiFault(400, 10211, "Cannot upload a version with a pending migration");
    const version = await this.#makeVersion(script, metadata, body, headers);
    script.versions.push(version);
    return { ...versionView(version), startup_time_ms: 3 };
  }

  async #makeVersion(
    script: CloudScript,
    metadata: Json,
    form: FormData,
    headers: IncomingHttpHeaders,
  ): Promise<CloudVersion> {
    const before = script.versions.at(-1);
    const parts: Record<string, Part> = {};
    for (const [name, value] of form) {
      if (typeof value === "string") continue;
      parts[name] = { type: value.type, filename: value.name, contents: Buffer.from(await value.arrayBuffer()) };
    }
    const main = metadata.main_module ?? metadata.body_part;
    if (main !== undefined && !parts[main]) throw new ApiFault(400, 10021, `No such module "${main}".`);
    if (main === undefined && !metadata.assets) throw new ApiFault(400, 10021, "No main module and no assets.");
    if (main && parts[main]!.contents.includes('throw new Error("not today")'))
      throw new ApiFault(400, 10021, "Uncaught Error: not today");
    if (metadata.assets && !this.#sessions.has(`done ${metadata.assets.jwt}`))
      throw new ApiFault(400, 10023, "Invalid or missing assets completion token.");
    const secrets: Record<string, string> = {};
    const keeps: string[] = metadata.keep_bindings ?? [];
    if (keeps.includes("secret_text")) Object.assign(secrets, before?.secrets);
    const bindings: Json[] = (metadata.bindings ?? []).flatMap((binding: Json) => {
      if (binding.type !== "inherit") return [binding];
      const from = binding.version_id === undefined ? before : this.#version(script.id, binding.version_id);
      const old = from?.bindings.find(({ name }) => name === binding.name);
      if (!old) throw new ApiFault(400, 10057, `Binding '${binding.name}' cannot be inherited: there is none.`);
      if (from && old.type === "secret_text") secrets[binding.name] = from.secrets[binding.name]!;
      return [old];
    });
    const names = new Set(bindings.map(({ name }) => name));
    for (const old of before?.bindings ?? []) if (keeps.includes(old.type) && !names.has(old.name)) bindings.push(old);
    for (const name of Object.keys(secrets))
      if (!bindings.some((each) => each.name === name && each.type === "secret_text")) delete secrets[name];
    for (const { name, type, text } of bindings) if (type === "secret_text" && text !== undefined) secrets[name] = text;
    for (const binding of bindings) this.#checkBinding(script, binding);
    for (const { service } of metadata.tail_consumers ?? []) this.#mustExist(script, service, "Tail consumer");
    return {
      id: randomUUID(),
      number: (before?.number ?? 0) + 1,
      metadata,
      parts,
      secrets,
      bindings,
      annotations: kept(metadata.annotations),
      created_on: now(),
      ...(script.migration_tag && { migration_tag: script.migration_tag }),
      ...(metadata.assets && { assets: this.#sessions.get(`done ${metadata.assets.jwt}`)! }),
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("cloudflare-"))) as Record<
        string,
        string
      >,
    };
  }

  #mustExist(script: CloudScript, service: string, what: string): void {
    if (service === script.id || this.scripts.has(service)) return;
    throw new ApiFault(400, 10143, `${what}: Could not resolve Worker '${service}': it was not found.`);
  }

  #checkBinding(script: CloudScript, binding: Json): void {
    const lacks = (what: string) => new ApiFault(400, 10041, `${what} of binding '${binding.name}' not found.`);
    switch (binding.type) {
      case "service":
        // A Worker that is made can't be bound by itself yet.
        if (!this.scripts.has(binding.service))
          throw new ApiFault(
            400,
            10143,
            `Service binding '${binding.name}' references Worker '${binding.service}' which was not found.`,
          );
        return;
      case "durable_object_namespace": {
        const owner =
          binding.script_name === undefined || binding.script_name === script.id
            ? script
            : this.scripts.get(binding.script_name);
        if (!owner) throw lacks(`Script ${binding.script_name}`);
        if (!owner.classes.has(binding.class_name))
          throw new ApiFault(
            400,
            10061,
            `Cannot create binding for class '${binding.class_name}' that is not exported by script '${owner.id}', or has no migration.`,
          );
        return;
      }
      case "kv_namespace":
        if (!this.kv.some(({ id }) => id === binding.namespace_id))
          throw lacks(`KV namespace '${binding.namespace_id}'`);
        return;
      case "d1":
        if (!this.d1.some(({ uuid }) => uuid === binding.id)) throw lacks(`D1 database '${binding.id}'`);
        return;
      case "r2_bucket":
        if (!this.r2.some(({ name }) => name === binding.bucket_name))
          throw lacks(`R2 bucket '${binding.bucket_name}'`);
        return;
      case "queue":
        if (!this.queues.some(({ queue_name }) => queue_name === binding.queue_name))
          throw lacks(`Queue '${binding.queue_name}'`);
        return;
      case "mtls_certificate":
        if (!this.certificates.some(({ id }) => id === binding.certificate_id))
          throw lacks(`mTLS certificate '${binding.certificate_id}'`);
    }
  }

  #deploy(name: string, body: Json) {
    const script = this.#script(name);
    const total = body.versions.reduce((sum: number, each: Json) => sum + each.percentage, 0);
    if (total !== 100) throw new ApiFault(400, 10100, "Percentages must add up to 100.");
    for (const { version_id } of body.versions) {
      const version = this.#version(name, version_id);
      if (version.migration_tag !== script.migration_tag)
        throw new ApiFault(400, 10220, "Version was made before the last migration.");
    }
    script.settings.code_update_strategy = body.code_update_strategy;
    return this.#deployed(script, body.versions, body.annotations ?? {});
  }

  #deployed(script: CloudScript, versions: Json[], annotations: Record<string, string>) {
    const deployment = {
      id: randomUUID(),
      created_on: now(),
      source: "api",
      strategy: "percentage",
      author_email: "dev@example.com",
      annotations: kept(annotations),
      versions,
    };
    script.deployments.unshift(deployment);
    return deployment;
  }

  #delete(name: string, { query }: CloudRequest) {
    this.#script(name);
    const binders = [...this.scripts.values()].filter(
      ({ id }) =>
        id !== name &&
        this.active(id)?.bindings.some(({ service, script_name }) => service === name || script_name === name),
    );
    if (binders.length > 0 && query.get("force") !== "true") {
      throw new ApiFault(
        400,
        10064,
        `Cannot delete this Worker as it is still referenced by: ${binders.map(({ id }) => id).join(", ")}`,
      );
    }
    this.scripts.delete(name);
    for (const queue of this.queues) queue.consumers = queue.consumers.filter(({ script }) => script !== name);
    this.domains = this.domains.filter(({ service }) => service !== name);
    return { id: name };
  }

  #setSubdomain(name: string, body: Json) {
    const script = this.#script(name);
    if (body.enabled && !this.subdomain) throw new ApiFault(400, 10063, "You need a workers.dev subdomain first.");
    script.subdomain = { enabled: body.enabled, previews_enabled: body.previews_enabled ?? body.enabled };
    return script.subdomain;
  }

  #setSchedules(name: string, body: Json) {
    this.#script(name).schedules = body.map(({ cron }: Json) => cron);
    return { schedules: body };
  }

  #zones(name: string | null) {
    return [{ id: ZONE, name: "example.com", account: { id: ACCOUNT } }].filter(
      (zone) => name === null || zone.name === name,
    );
  }

  #addRoute({ pattern, script: name }: Json) {
    const script = this.#script(name);
    if ([...this.scripts.values()].some(({ routes }) => routes.some((route) => route.pattern === pattern)))
      throw new ApiFault(409, 10020, `Route '${pattern}' is already assigned.`);
    const route = { id: this.#hex(), pattern, script: name };
    script.routes.push(route);
    return route;
  }

  #deleteRoute(id: string) {
    for (const script of this.scripts.values()) script.routes = script.routes.filter((route) => route.id !== id);
    return { id };
  }

  #setRoutes(name: string, body: Json) {
    const script = this.#script(name);
    for (const { pattern } of body) {
      const owner = [...this.scripts.values()].find(
        ({ id, routes }) => id !== name && routes.some((route) => route.pattern === pattern),
      );
      if (owner) throw new ApiFault(409, 10020, `Route '${pattern}' is already assigned to '${owner.id}'.`);
    }
    script.routes = body.map((route: Json) => ({ id: this.#hex(), script: name, ...route }));
    return script.routes;
  }

  #changeset(name: string, body: Json) {
    const known = (hostname: string) => this.domains.find((domain) => domain.hostname === hostname);
    return {
      added: body.filter(({ hostname }: Json) => !known(hostname)),
      removed: this.domains.filter(
        ({ service, hostname }) => service === name && !body.some((origin: Json) => origin.hostname === hostname),
      ),
      updated: body.flatMap(({ hostname }: Json) =>
        known(hostname) ? [{ ...known(hostname), modified: known(hostname)!.service !== name }] : [],
      ),
      conflicting: [],
    };
  }

  #setDomains(name: string, { origins, override_existing_origin }: Json) {
    for (const { hostname } of origins) {
      const other = this.domains.find((domain) => domain.hostname === hostname && domain.service !== name);
      if (other && !override_existing_origin)
        throw new ApiFault(409, 100117, `Hostname '${hostname}' is already used by Worker '${other.service}'.`);
    }
    const mine = new Set(origins.map(({ hostname }: Json) => hostname));
    this.domains = [
      ...this.domains.filter(({ service, hostname }) => service !== name && !mine.has(hostname)),
      ...origins.map((origin: Json) => ({ id: this.#hex(), service: name, environment: "production", ...origin })),
    ];
    return this.domains.filter(({ service }) => service === name);
  }

  #session(manifest: Record<string, { hash: string; size: number }>) {
    const jwt = token();
    const missing = [...new Set(Object.values(manifest).map(({ hash }) => hash))].filter(
      (hash) => !this.assets.has(hash),
    );
    if (missing.length === 0) {
      this.#sessions.set(`done ${jwt}`, manifest);
      return { jwt, buckets: [] };
    }
    this.#sessions.set(jwt, manifest);
    const buckets = Array.from({ length: Math.ceil(missing.length / 2) }, (_, index) =>
      missing.slice(index * 2, index * 2 + 2),
    );
    return { jwt, buckets };
  }

  async #upload({ body, headers }: CloudRequest) {
    const jwt = String(headers.authorization).replace(/^Bearer /, "");
    const manifest = this.#sessions.get(jwt);
    if (!manifest) throw new ApiFault(401, 10000, "Authentication error");
    for (const [hash, file] of body as FormData) {
      const entry = Object.values(manifest).find((each) => each.hash === hash);
      const contents = Buffer.from(await (file as File).text(), "base64");
      if (entry?.size !== contents.byteLength) throw new ApiFault(400, 10304, `Asset ${hash} has the wrong size.`);
      this.assets.add(hash);
      this.assetTypes.set(hash, (file as File).type);
    }
    if (Object.values(manifest).some(({ hash }) => !this.assets.has(hash))) return { jwt: null };
    const done = token();
    this.#sessions.set(`done ${done}`, manifest);
    return { jwt: done };
  }

  #withModules({ id, number, created_on, metadata, parts }: CloudVersion, include: string | null) {
    const modules = Object.values(parts).map(({ filename, type, contents }) => ({
      name: filename,
      content_type: type,
      content_base64: contents.toString("base64"),
    }));
    const main = metadata.main_module;
    return { id, number, created_on, ...(main && { main_module: main }), ...(include === "modules" && { modules }) };
  }

  #edit(name: string, { name: renamed, tags }: Json) {
    const script = this.#script(name);
    if (tags) script.tags = tags;
    if (renamed !== undefined && renamed !== name) {
      if (this.scripts.has(renamed)) throw new ApiFault(409, 10014, `A Worker named '${renamed}' already exists.`);
      this.scripts.delete(name);
      script.id = renamed;
      this.scripts.set(renamed, script);
    }
    return { id: script.id, name: script.id, tags: script.tags };
  }

  /** Bindings of the active versions of other Workers. */
  #bindingsTo(name: string): { id: string; binding: Json }[] {
    return [...this.scripts.values()]
      .filter(({ id }) => id !== name)
      .flatMap(({ id }) => (this.active(id)?.bindings ?? []).map((binding) => ({ id, binding })));
  }

  #references(name: string) {
    this.#script(name);
    const all = this.#bindingsTo(name);
    return {
      services: {
        incoming: all
          .filter(({ binding }) => binding.service === name)
          .map(({ id, binding }) => ({ service: id, environment: "production", name: binding.name })),
        outgoing: [],
      },
      durable_objects: all
        .filter(({ binding }) => binding.script_name === name && binding.type === "durable_object_namespace")
        .map(({ id, binding }) => ({
          service: id,
          environment: "production",
          name: binding.name,
          durable_object_namespace_id: "0",
          durable_object_namespace_name: `${name}_${binding.class_name}`,
        })),
    };
  }

  #producers(name: string) {
    return [...this.scripts.values()]
      .filter(({ settings }) => settings.tail_consumers?.some(({ service }: Json) => service === name))
      .map(({ id }) => ({ tag: "", consumer: { script: name }, producer: { script: id } }));
  }

  #make<T extends Record<string, unknown>>(all: T[], key: keyof T, name: string, made: T): T {
    if (all.some((each) => each[key] === name)) throw new ApiFault(409, 10014, `'${name}' already exists.`);
    all.push(made);
    return made;
  }

  /** The same requests get the same ids. */
  #hex(): string {
    return createHash("md5")
      .update(String(this.#made++))
      .digest("hex");
  }

  #remove<T extends Record<string, unknown>>(all: T[], key: keyof T, value: string): null {
    const index = all.findIndex((each) => each[key] === value);
    if (index < 0) throw new ApiFault(404, 10006, `'${value}' does not exist.`);
    all.splice(index, 1);
    return null;
  }

  #queue(id: string) {
    return found(
      this.queues.find(({ queue_id }) => queue_id === id),
      11000,
      "Queue not found.",
    );
  }

  #addConsumer(id: string, body: Json) {
    const queue = this.#queue(id);
    if (queue.consumers.length > 0) throw new ApiFault(409, 11004, "Queue already has a consumer.");
    this.#script(body.script_name);
    const consumer = { consumer_id: this.#hex(), ...body, script: body.script_name };
    queue.consumers.push(consumer);
    return consumer;
  }

  #setConsumer(id: string, consumerId: string, body: Json) {
    const { consumers } = this.#queue(id);
    const index = consumers.findIndex(({ consumer_id }) => consumer_id === consumerId);
    consumers[index] = { consumer_id: consumerId, ...body, script: body.script_name };
    return consumers[index];
  }

  #deleteQueue(id: string): null {
    // The strictest reading of what the network may want.
    if (this.#queue(id).consumers.length > 0) throw new ApiFault(400, 11005, "Queue still has a consumer.");
    return this.#remove(this.queues, "queue_id", id);
  }

  #deleteConsumer(id: string, consumerId: string) {
    const queue = this.#queue(id);
    queue.consumers = queue.consumers.filter(({ consumer_id }) => consumer_id !== consumerId);
    return null;
  }

  #setWorkflow(name: string, body: Json) {
    this.#script(body.script_name);
    this.workflows.set(name, { id: name, name, ...body });
    return this.workflows.get(name);
  }

  #tail(name: string, body: Json) {
    this.#script(name);
    const id = this.#hex();
    const tail = { id, script: name, filters: body?.filters, url: `${this.tailUrl}/${id}` };
    this.tails.push(tail);
    return { id, url: tail.url, expires_at: new Date(Date.now() + this.tailLife).toISOString() };
  }

  #endTail(id: string): null {
    this.tails = this.tails.filter((tail) => tail.id !== id);
    return null;
  }
}

let last = 0;

/** No two things happen at the same time, as the network's clock is finer than that of a test. */
function now(): string {
  last = Math.max(Date.now(), last + 1);
  return new Date(last).toISOString();
}

function found<T>(value: T | undefined, code: number, message: string): T {
  if (value === undefined) throw new ApiFault(404, code, message);
  return value;
}

function allowed<T>(value: T | undefined | false | "", code: number): T {
  if (!value) throw new ApiFault(403, code, "Unauthorized to access requested resource");
  return value;
}

function membership({ roles, ...account }: { id: string; name: string; roles: string[] }) {
  return { id: account.id, account, roles, status: "accepted" };
}

/** The network takes no more than so many bytes. */
function kept(annotations: Record<string, string> = {}): Record<string, string> {
  const lengths: Record<string, number> = { "workers/message": 1000, "workers/tag": 100, "workers/commit_sha": 64 };
  return Object.fromEntries(
    Object.entries(annotations).map(([key, text]) => [
      key,
      Buffer.from(text)
        .subarray(0, lengths[key] ?? 1000)
        .toString(),
    ]),
  );
}

/** Wrangler looks into it. */
function token(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ iat: Date.now(), nonce: randomUUID() })}.sig`;
}

function scriptView({ id, tags, migration_tag, created_on }: CloudScript) {
  return { id, tags, migration_tag: migration_tag ?? null, created_on, modified_on: created_on };
}

function withoutText(binding: Json) {
  const { text: _, ...rest } = binding;
  return binding.type === "secret_text" ? rest : binding;
}

function versionSummary({ id, number, annotations, created_on }: Omit<CloudVersion, "bindings">) {
  return { id, number, annotations, metadata: { created_on, author_email: "dev@example.com", source: "api" } };
}

function versionView(version: CloudVersion) {
  const { metadata, bindings, parts } = version;
  const code = createHash("sha256");
  for (const { contents } of Object.values(parts)) code.update(contents);
  return {
    ...versionSummary(version),
    resources: {
      bindings: bindings.map(withoutText),
      script: { etag: code.digest("hex"), handlers: ["fetch"] },
      script_runtime: {
        compatibility_date: metadata.compatibility_date,
        compatibility_flags: metadata.compatibility_flags,
        migration_tag: version.migration_tag,
      },
    },
  };
}
