/** The tables of the store, as a list of forward migrations. A step, once released, never changes. */

/** `PRAGMA user_version` of a store that this troupe writes. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE services (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE environments (
    id INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES services(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- First label of its hostname; unique over the whole store.
    label TEXT NOT NULL UNIQUE,
    protected INTEGER NOT NULL DEFAULT 0,
    -- JSON: what \`env set\` laid over the config.
    settings TEXT NOT NULL DEFAULT '{}',
    -- The number the next version gets. Numbers are never used twice, not even after a failed deploy.
    next_version INTEGER NOT NULL DEFAULT 1,
    active_version_id INTEGER REFERENCES versions(id),
    created_at INTEGER NOT NULL,
    UNIQUE (service_id, name)
  ) STRICT;

  CREATE TABLE blobs (
    hash TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    encoding TEXT NOT NULL CHECK (encoding IN ('raw', 'gzip')),
    data BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    environment_id INTEGER NOT NULL REFERENCES environments(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    -- SHA-256 of the bundle: the same bytes, the same hash, in any environment.
    content_hash TEXT NOT NULL,
    -- Over everything that makes a version a new one: bundle, settings, bindings, triggers, secret revisions.
    fingerprint TEXT NOT NULL,
    size INTEGER NOT NULL,
    -- JSON: format, mainModule, exports, modules [{ name, type, blob }].
    bundle TEXT NOT NULL,
    -- JSON: what is asked of all active versions at once, so that they need not all be read: private, references, claims, routes.
    summary TEXT NOT NULL,
    -- JSON: the resolved environment (src/model.ts).
    environment TEXT NOT NULL,
    -- JSON: the parsed source config, for resolving it again for another environment.
    source_config TEXT NOT NULL,
    -- JSON: secret name -> revision id.
    secrets TEXT NOT NULL,
    -- JSON: what bindings read besides code (assets, certificates): [{ path, blob, sealed?, fingerprint }].
    files TEXT NOT NULL,
    source TEXT NOT NULL,
    tag TEXT,
    message TEXT,
    git TEXT,
    author TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (environment_id, number)
  ) STRICT;

  CREATE TABLE version_blobs (
    version_id INTEGER NOT NULL REFERENCES versions(id) ON DELETE CASCADE,
    hash TEXT NOT NULL REFERENCES blobs(hash),
    PRIMARY KEY (version_id, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX version_blobs_by_hash ON version_blobs(hash);

  CREATE TABLE deployments (
    id INTEGER PRIMARY KEY,
    -- Deployments made by one command share it.
    operation TEXT NOT NULL,
    environment_id INTEGER NOT NULL REFERENCES environments(id) ON DELETE CASCADE,
    version_id INTEGER NOT NULL REFERENCES versions(id) ON DELETE CASCADE,
    action TEXT NOT NULL CHECK (action IN ('deploy', 'promote', 'clone', 'rollback', 'secret', 'settings')),
    -- JSON: where a promote or clone came from.
    origin TEXT,
    message TEXT,
    author TEXT,
    -- JSON: "service@environment" -> version number of all bound services at that moment.
    bound TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX deployments_by_environment ON deployments(environment_id, id);

  CREATE TABLE secrets (
    -- Also the revision id: every put makes a row, old ones stay for rollback.
    id INTEGER PRIMARY KEY,
    environment_id INTEGER NOT NULL REFERENCES environments(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- AES-256-GCM: 12 bytes nonce, ciphertext, 16 bytes tag.
    sealed BLOB NOT NULL,
    -- HMAC of the value under the key: equal values can be told without opening them.
    fingerprint TEXT NOT NULL,
    -- 1 while this revision is the environment's current one.
    current INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX secrets_current ON secrets(environment_id, name) WHERE current = 1;
  `,
];
