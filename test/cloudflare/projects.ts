/** Small projects in Wrangler's own format: each is deployed by Wrangler and by troupe, and must come out the same. */
import { ZONE } from "./cloud.ts";

export interface Project {
  name: string;
  /** Wrangler's `--env`. */
  env?: string;
  /** Default: its name, with `-<env>`. */
  script?: string;
  config: Record<string, unknown>;
  files?: Record<string, string>;
  /** The Worker exists already: deployed before with this config. */
  before?: Record<string, unknown>;
  /** Secrets for `--secrets-file`. */
  secrets?: Record<string, string>;
}

const KV = "0f2ac74b498b48028cb68387c421e279";
const D1 = "3f5a0e0c-2d9c-4b0e-9a34-6d0c8f6f6b11";
const CERTIFICATE = "6f0d2c1e-8f56-4c12-9d5a-8a8f6a1e2b3c";

/** What the account of every project holds beforehand. */
export const HOLDS = {
  kv: [{ id: KV, title: "cache" }],
  d1: [{ uuid: D1, name: "shop" }],
  r2: ["files", "files-eu"],
  queues: ["jobs", "dead"],
  certificates: [{ id: CERTIFICATE, name: "client", certificates: "" }],
};

const FETCH = `export default { fetch: () => new Response("hello") };\n`;
const OBJECTS = `import { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";
export class Counter extends DurableObject {}
export class Room extends DurableObject {}
export class Verifier extends WorkerEntrypoint { check() { return true; } }
export class Order extends WorkflowEntrypoint { async run() {} }
export default { fetch: () => new Response("hello"), queue() {}, scheduled() {}, tail() {} };
`;
/** Another Worker of the account that others bind. */
export const NEIGHBOUR: Project = {
  name: "auth",
  config: {
    durable_objects: { bindings: [{ name: "COUNTER", class_name: "Counter" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Counter"] }],
  },
  files: { "index.js": OBJECTS },
};

/** Files that people put on the web. */
const EXTENSIONS = `
html htm css js mjs cjs json jsonld json5 map xml xsl xhtml txt text md markdown mdx csv tsv ics vcf
yaml yml toml ini log conf rtf pdf ps eps doc docx xls xlsx ppt pptx odt ods odp epub mobi png
jpg jpeg jpe jfif gif webp avif apng svg svgz ico cur bmp tif tiff heic heif jxl psd ai mp3 m4a
aac oga ogg ogv ogx opus wav weba flac mid midi mp4 m4v m4s webm mov avi mkv mpeg mpg ts m3u8
mpd 3gp 3g2 vtt srt wasm woff woff2 ttf otf eot ttc zip gz gzip tgz tar bz2 xz 7z rar br
zst jar war apk dmg iso exe msi deb rpm bin dat webmanifest manifest appcache atom rss rdf kml kmz geojson gpx
gltf glb obj stl usdz hdr tsx jsx vue svelte scss sass less coffee sh py rb php java c h cpp
go rs swift wgsl glsl graphql gql proto sql sqlite db pem crt cer key asc sig p12 torrent swf crx xpi
shtml hbs pug nq nt ttl n3 trig vrml x3d pgn bibtex tex latex dvi man
`
  .trim()
  .split(/\s+/);

export const PROJECTS: Project[] = [
  { name: "plain", config: {} },
  { name: "again", config: { vars: { A: "2" } }, before: { vars: { A: "1" } } },
  {
    name: "vars",
    config: {
      compatibility_flags: ["nodejs_compat"],
      vars: { TEXT: "a", EMPTY: "", NUMBER: 5, YES: true, LIST: [1, "two"], TABLE: { deep: { er: null } } },
      keep_vars: true,
    },
  },
  {
    name: "storage",
    config: {
      kv_namespaces: [{ binding: "CACHE", id: KV }],
      r2_buckets: [
        { binding: "FILES", bucket_name: "files" },
        { binding: "EU", bucket_name: "files-eu", jurisdiction: "eu" },
      ],
      d1_databases: [{ binding: "DB", database_id: D1, database_name: "shop" }],
      hyperdrive: [{ binding: "PG", id: "57b7076f58be42419276f058a8968187" }],
      vectorize: [{ binding: "INDEX", index_name: "embeddings" }],
      secrets_store_secrets: [{ binding: "SHARED", store_id: "5a4f8b1cd90e4a35a0f4b8ba1b2a3c4d", secret_name: "key" }],
    },
  },
  {
    name: "queues",
    files: { "index.js": OBJECTS },
    config: {
      queues: {
        producers: [{ binding: "JOBS", queue: "jobs", delivery_delay: 5 }],
        consumers: [
          {
            queue: "jobs",
            max_batch_size: 7,
            max_batch_timeout: 3,
            max_retries: 2,
            dead_letter_queue: "dead",
            max_concurrency: 4,
            retry_delay: 9,
          },
        ],
      },
    },
  },
  {
    name: "objects",
    files: { "index.js": OBJECTS },
    config: {
      durable_objects: {
        bindings: [
          { name: "COUNTER", class_name: "Counter" },
          { name: "ROOM", class_name: "Room" },
          { name: "THEIRS", class_name: "Counter", script_name: "auth" },
        ],
      },
      migrations: [
        { tag: "v1", new_sqlite_classes: ["Counter"] },
        { tag: "v2", new_classes: ["Room"] },
      ],
    },
  },
  {
    name: "migrated",
    files: { "index.js": OBJECTS },
    before: {
      durable_objects: { bindings: [{ name: "COUNTER", class_name: "Counter" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Counter"] }],
    },
    config: {
      durable_objects: {
        bindings: [
          { name: "COUNTER", class_name: "Counter" },
          { name: "ROOM", class_name: "Room" },
        ],
      },
      migrations: [
        { tag: "v1", new_sqlite_classes: ["Counter"] },
        { tag: "v2", new_sqlite_classes: ["Room"] },
      ],
    },
  },
  {
    name: "workflows",
    files: { "index.js": OBJECTS },
    config: {
      workflows: [{ binding: "ORDERS", name: "orders", class_name: "Order", limits: { steps: 50 } }],
    },
  },
  {
    name: "services",
    files: { "index.js": OBJECTS },
    config: {
      services: [
        { binding: "AUTH", service: "auth" },
        { binding: "VERIFIER", service: "auth", entrypoint: "Verifier", props: { level: 3 } },
      ],
      tail_consumers: [{ service: "auth" }],
    },
  },
  {
    name: "network",
    config: {
      mtls_certificates: [{ binding: "MTLS", certificate_id: CERTIFICATE }],
      send_email: [{ name: "MAIL", destination_address: "a@example.com" }, { name: "ANY" }],
      analytics_engine_datasets: [{ binding: "EVENTS", dataset: "events" }],
      dispatch_namespaces: [
        { binding: "TENANTS", namespace: "tenants", outbound: { service: "auth", parameters: ["who"] } },
      ],
      ratelimits: [{ name: "LIMIT", namespace_id: "1001", simple: { limit: 5, period: 10 } }],
      version_metadata: { binding: "VERSION" },
      browser: { binding: "BROWSER" },
      ai: { binding: "AI" },
      images: { binding: "IMAGES" },
      media: { binding: "MEDIA" },
      worker_loaders: [{ binding: "LOADER" }],
      pipelines: [{ binding: "PIPE", pipeline: "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }],
      vpc_services: [{ binding: "VPC", service_id: "0199295b-b3ac-7760-8246-bca40877b3e9" }],
      unsafe: { bindings: [{ name: "ODD", type: "odd_thing", value: 7 }] },
    },
  },
  {
    name: "novel",
    config: {
      stream: { binding: "STREAM" },
      analytics: { binding: "SQL" },
      ai_search: [{ binding: "SEARCH", instance_name: "docs" }],
      ai_search_namespaces: [{ binding: "SEARCHES", namespace: "all" }],
      agent_memory: [{ binding: "MEMORY", namespace: "notes" }],
      k2: [{ binding: "K2", stream: "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }],
      artifacts: [{ binding: "ARTIFACTS", namespace: "builds" }],
      flagship: [{ binding: "FLAGS", app_id: "0199295b-b3ac-7760-8246-bca40877b3e9" }],
      vpc_networks: [{ binding: "NET", tunnel_id: "0199295b-b3ac-7760-8246-bca40877b3e9" }],
      logfwdr: { bindings: [{ name: "LOG", destination: "httplogs" }] },
      unsafe_hello_world: [{ binding: "HELLO", enable_timer: true }],
      streaming_tail_consumers: [{ service: "auth" }],
    },
  },
  {
    name: "settings",
    config: {
      placement: { mode: "smart" },
      limits: { cpu_ms: 50 },
      observability: { enabled: true, head_sampling_rate: 0.5 },
      logpush: true,
      triggers: { crons: ["*/5 * * * *", "0 3 * * 1"] },
      preview_urls: false,
    },
  },
  {
    name: "addresses",
    config: {
      routes: [
        { pattern: "shop.example.com/*", zone_name: "example.com" },
        { pattern: "example.com/shop/*", zone_id: ZONE },
        { pattern: "api.example.com", custom_domain: true },
      ],
    },
  },
  {
    name: "hidden",
    config: { vars: { A: "1" }, workers_dev: false, triggers: { crons: [] } },
    before: { triggers: { crons: ["0 0 * * *"] } },
  },
  {
    name: "site",
    config: {
      assets: {
        directory: "public",
        binding: "ASSETS",
        html_handling: "none",
        not_found_handling: "404-page",
        run_worker_first: ["/api/*"],
      },
    },
    files: {
      "index.js": FETCH,
      "public/index.html": "<h1>hello</h1>",
      "public/a/style.css": "b {}",
      "public/data.bin": "\u0001\u0002",
      "public/secret.txt": "hidden",
      "public/.assetsignore": "secret.txt\n",
      "public/_headers": "/*\n  X-Test: yes\n",
      "public/_redirects": "/old /new 301\n",
    },
  },
  {
    name: "static",
    config: { main: undefined, assets: { directory: "public", not_found_handling: "single-page-application" } },
    files: { "public/index.html": "<h1>hello</h1>" },
  },
  {
    name: "modules",
    config: { rules: [{ type: "Data", globs: ["**/*.dat"] }] },
    files: {
      "index.js": `import text from "./a.txt";\nimport data from "./b.dat";\nimport wasm from "./c.wasm";\nexport default { fetch: () => new Response(text + data.byteLength + wasm) };\n`,
      "a.txt": "text",
      "b.dat": "data",
      "c.wasm": "\0asm\u0001\0\0\0",
    },
  },
  {
    name: "classic",
    config: { vars: { A: "b" } },
    files: { "index.js": `addEventListener("fetch", (event) => event.respondWith(new Response("old")));\n` },
  },
  {
    name: "shop",
    env: "staging",
    config: {
      vars: { WHERE: "production" },
      env: { staging: { vars: { WHERE: "staging" }, services: [{ binding: "AUTH", service: "auth" }] } },
    },
  },
  { name: "sealed", config: { secrets: { required: ["TOKEN"] } }, secrets: { TOKEN: "s3cret", EXTRA: "more" } },
  {
    name: "exported",
    files: { "index.js": OBJECTS },
    config: {
      durable_objects: { bindings: [{ name: "COUNTER", class_name: "Counter" }] },
      exports: { Counter: { type: "durable-object", storage: "sqlite" } },
    },
  },
  { name: "unmapped", config: { upload_source_maps: false } },
  { name: "mapped", config: { upload_source_maps: true } },
  {
    name: "unnamed",
    config: {
      kv_namespaces: [{ binding: "MY_CACHE" }],
      r2_buckets: [{ binding: "FILES" }],
      d1_databases: [{ binding: "DB" }, { binding: "NAMED", database_name: "brand-new" }],
      queues: { producers: [{ binding: "JOBS" }] },
    },
  },
  {
    name: "connected",
    config: { kv_namespaces: [{ binding: "CACHE" }], d1_databases: [{ binding: "DB" }], vars: { A: "1" } },
    before: {
      kv_namespaces: [{ binding: "CACHE", id: KV }],
      d1_databases: [{ binding: "DB", database_id: D1 }],
    },
  },
  {
    name: "previewed",
    config: {
      kv_namespaces: [{ binding: "C", id: KV, preview_id: "ffffffffffffffffffffffffffffffff" }],
      d1_databases: [
        { binding: "DB", database_id: D1, database_name: "shop", preview_database_id: "local", migrations_dir: "m" },
      ],
      r2_buckets: [{ binding: "F", bucket_name: "files", preview_bucket_name: "preview" }],
      hyperdrive: [
        { binding: "PG", id: "57b7076f58be42419276f058a8968187", localConnectionString: "postgres://u:p@h:1/d" },
      ],
    },
  },
  {
    name: "domains",
    config: {
      workers_dev: true,
      preview_urls: true,
      routes: [
        "plain.example.com/a/*",
        { pattern: "dom.example.com", custom_domain: true, enabled: true, previews_enabled: true },
        { pattern: "*.example.com/*", zone_name: "example.com" },
      ],
    },
  },
  {
    name: "fewer",
    config: { vars: { A: "1" }, routes: ["few.example.com/1"] },
    before: { routes: ["few.example.com/1", "few.example.com/2"] },
  },
  { name: "zoned", config: { routes: ["zone.example.com/*", { pattern: "example.com/zoned", zone_id: ZONE }] } },
  { name: "near", config: { placement: { region: "aws:us-east-1" }, cache: { enabled: true } } },
  {
    name: "observed",
    config: {
      limits: { cpu_ms: 100, subrequests: 50 },
      observability: {
        enabled: false,
        logs: { enabled: true, invocation_logs: false, head_sampling_rate: 0.3, destinations: ["x"], persist: false },
        traces: { enabled: true },
      },
    },
  },
  {
    name: "unobserved",
    config: { vars: { A: "1" } },
    before: { observability: { enabled: true }, logpush: true, tail_consumers: [{ service: "auth" }] },
  },
  {
    name: "mails",
    config: {
      send_email: [
        { name: "A", allowed_destination_addresses: ["a@example.com", "b@example.com"] },
        { name: "B", allowed_sender_addresses: ["c@example.com"] },
      ],
      dispatch_namespaces: [{ binding: "T", namespace: "tenants" }],
      pipelines: [{ binding: "P", stream: "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }],
      unsafe: { metadata: { extra: { a: 1 }, code_update_strategy: { mode: "immediate" } } },
    },
  },
  {
    name: "immediate",
    before: {},
    config: { vars: { A: "1" }, unsafe: { metadata: { code_update_strategy: { mode: "immediate" } } } },
  },
  {
    name: "renamed",
    files: { "index.js": OBJECTS },
    before: {
      durable_objects: { bindings: [{ name: "C", class_name: "Counter" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Counter"] }],
    },
    config: {
      durable_objects: {
        bindings: [{ name: "C", class_name: "Room" }],
        code_update_strategy: { mode: "immediate" },
      },
      migrations: [
        { tag: "v1", new_sqlite_classes: ["Counter"] },
        { tag: "v2", renamed_classes: [{ from: "Counter", to: "Room" }] },
      ],
    },
  },
  {
    name: "flows",
    files: { "index.js": OBJECTS },
    config: {
      workflows: [
        { binding: "OWN", name: "own-flow", class_name: "Order", limits: { steps: 7 }, schedules: "0 1 * * *" },
        { binding: "THEIRS", name: "their-flow", class_name: "Order", script_name: "auth" },
      ],
      exports: { Order: { type: "workflow", name: "exported-flow", concurrency: { limit: 3 } } },
    },
  },
  {
    name: "rules",
    config: { assets: { directory: "public", run_worker_first: true, html_handling: "drop-trailing-slash" } },
    files: {
      "index.js": FETCH,
      "public/x.html": "x",
      "public/.hidden": "h",
      "public/noext": "n",
      "public/sub dir/ü.txt": "u",
      "public/.assetsignore": "*.map\n!keep.map\n/top.txt\nsub/\n",
      "public/a.map": "1",
      "public/keep.map": "2",
      "public/top.txt": "t",
      "public/in/top.txt": "t2",
      "public/sub/a.txt": "s",
      "public/in/sub/b.txt": "s2",
    },
  },
  {
    name: "types",
    config: { assets: { directory: "public" } },
    files: {
      "index.js": FETCH,
      ...Object.fromEntries(EXTENSIONS.map((extension) => [`public/a.${extension}`, extension])),
      "public/noext": "n",
      "public/.well-known/acme": "a",
      "public/UPPER.PNG": "u",
    },
  },
  {
    name: "globals",
    config: { wasm_modules: { W: "c.wasm" }, text_blobs: { T: "a.txt" }, data_blobs: { D: "b.bin" } },
    files: {
      "index.js": `addEventListener("fetch", (event) => event.respondWith(new Response(T + D + W)));\n`,
      "c.wasm": "\0asm\u0001\0\0\0",
      "a.txt": "t",
      "b.bin": "d",
    },
  },
  {
    name: "unbundled",
    config: { main: "src/index.js", no_bundle: true, rules: [{ type: "ESModule", globs: ["**/*.js"] }] },
    files: {
      "src/index.js": "import { x } from './lib/x.js';\nexport default { fetch: () => new Response(x) };\n",
      "src/lib/x.js": "export const x = 'y';\n",
    },
  },
  {
    name: "languages",
    config: {
      main: "src/index.js",
      find_additional_modules: true,
      base_dir: "src",
      rules: [{ type: "ESModule", globs: ["lang/*.js"] }],
    },
    files: {
      "src/index.js":
        "const lang = 'en';\nexport default { fetch: async () => new Response((await import('./lang/' + lang + '.js')).default) };\n",
      "src/lang/en.js": "export default 'en';\n",
      "src/lang/de.js": "export default 'de';\n",
    },
  },
  {
    name: "python",
    config: { main: "entry.py", compatibility_flags: ["python_workers"] },
    files: {
      "entry.py":
        "from workers import WorkerEntrypoint, Response\nclass Default(WorkerEntrypoint):\n    async def fetch(self, request):\n        return Response('hi')\n",
    },
  },
  {
    name: "packaged",
    config: {},
    files: {
      "index.js": FETCH,
      "package.json": JSON.stringify({ name: "packaged", version: "1.0.0", dependencies: { left: "1.0.0" } }),
      "node_modules/left/package.json": JSON.stringify({ name: "left", version: "1.0.0" }),
      "node_modules/left/index.js": "",
    },
  },
  {
    name: "renaming",
    env: "staging",
    script: "own-name",
    config: {
      routes: ["inherited.example.com/*"],
      triggers: { crons: ["1 1 * * *"] },
      env: { staging: { name: "own-name", routes: ["staging.example.com/*"] } },
    },
  },
];

/** What the API refuses both clients, since the token is not for all zones. */
export const REFUSED = { method: "PUT", path: /\/scripts\/zoned\/routes$/ };

export function projectFiles(project: Project, config = project.config): Record<string, string> {
  const { main = "index.js", ...rest } = config;
  const hasMain = !("main" in config) || config.main !== undefined;
  return {
    "index.js": FETCH,
    ...project.files,
    "wrangler.jsonc": JSON.stringify({
      name: project.name,
      ...(hasMain && { main }),
      compatibility_date: "2026-11-01",
      ...rest,
    }),
    ...(project.secrets && { "secrets.json": JSON.stringify(project.secrets) }),
  };
}
