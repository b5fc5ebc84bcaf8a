/** Messages on disk. Whoever holds the data folder is the only one to write here. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { TroupeError } from "../../errors.ts";
import type { QueueMetrics } from "../../runtime/types.ts";
import type { Consumer, ContentType, NewMessage } from "./types.ts";

/** What the file is called in a folder of data. */
export const QUEUES_FILE = "queues.db";

/** A message waits this long for somebody to take it. https://developers.cloudflare.com/queues/platform/limits/ */
const RETENTION = 4 * 24 * 60 * 60 * 1000;

const VERSION = 1;
const SCHEMA = `
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    queue TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    -- Not delivered before; ms since the epoch, like sent_at.
    available_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX messages_due ON messages (queue, available_at, seq);
  CREATE INDEX messages_sent ON messages (queue, sent_at);
  -- What every send is answered with: counted as it changes, because a backlog can be long.
  CREATE TABLE backlogs (
    queue TEXT PRIMARY KEY,
    messages INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER messages_in AFTER INSERT ON messages BEGIN
    INSERT INTO backlogs VALUES (new.queue, 1, length(new.body))
      ON CONFLICT DO UPDATE SET messages = messages + 1, bytes = bytes + excluded.bytes;
  END;
  CREATE TRIGGER messages_out AFTER DELETE ON messages BEGIN
    UPDATE backlogs SET messages = messages - 1, bytes = bytes - length(old.body) WHERE queue = old.queue;
  END;
  CREATE TRIGGER messages_moved AFTER UPDATE OF queue ON messages BEGIN
    UPDATE backlogs SET messages = messages - 1, bytes = bytes - length(old.body) WHERE queue = old.queue;
    INSERT INTO backlogs VALUES (new.queue, 1, length(new.body))
      ON CONFLICT DO UPDATE SET messages = messages + 1, bytes = bytes + excluded.bytes;
  END;
`;

export interface StoredMessage {
  seq: number;
  id: string;
  sentAt: number;
  availableAt: number;
  attempts: number;
  contentType: ContentType;
  body: Uint8Array;
}

export interface Incoming extends NewMessage {
  queue: string;
  id: string;
  sentAt: number;
}

/** What happens to the messages of a batch. */
export interface Settlement {
  acked: readonly number[];
  retried: readonly { seq: number; availableAt: number }[];
  dropped: readonly number[];
  dead: readonly number[];
  /** Where the dead go. */
  deadLetterQueue?: string;
}

const COLUMNS = `seq, id, sent_at AS sentAt, available_at AS availableAt, attempts, content_type AS contentType, body`;

export class MessageStore {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws TroupeError STORE */
  constructor(file: string | undefined) {
    this.#file = file ?? ":memory:";
    this.#database = this.#try(() => new DatabaseSync(this.#file));
    try {
      this.#try(() => {
        this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        this.#migrate();
      });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #migrate(): void {
    const { user_version: version } = this.#database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > VERSION) {
      throw new TroupeError("STORE", `The queues in ${this.#file} were written by a newer troupe`, {
        notes: ["Update troupe"],
      });
    }
    if (version === VERSION) return;
    this.#transaction(() => {
      this.#database.exec(SCHEMA);
      this.#database.exec(`PRAGMA user_version = ${VERSION}`);
    });
  }

  /** All of them, or none. */
  insert(messages: readonly Incoming[]): void {
    const insert = this.#prepare(
      "INSERT INTO messages (id, queue, sent_at, available_at, content_type, body) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#transaction(() => {
      for (const { id, queue, sentAt, delaySeconds = 0, contentType, body } of messages) {
        insert.run(id, queue, sentAt, sentAt + delaySeconds * 1000, contentType, body);
      }
    });
  }

  /** The next messages in the order of delivery, also those that have to wait. */
  next(queue: string, limit: number): StoredMessage[] {
    return this.#try(() =>
      this.#prepare(`SELECT ${COLUMNS} FROM messages WHERE queue = ? ORDER BY available_at, seq LIMIT ?`).all(
        queue,
        limit,
      ),
    ) as unknown as StoredMessage[];
  }

  /** When the next batch is due: when it is full, or its first message has waited long enough. */
  dueAt({ queue, maxBatchSize, maxBatchTimeout }: Consumer): number | undefined {
    const times = this.#try(() =>
      this.#prepare("SELECT available_at AS at FROM messages WHERE queue = ? ORDER BY available_at, seq LIMIT ?").all(
        queue,
        maxBatchSize,
      ),
    ) as unknown as { at: number }[];
    const [first] = times;
    if (!first) return undefined;
    const timeout = first.at + maxBatchTimeout * 1000;
    return times.length === maxBatchSize ? Math.min(timeout, times.at(-1)!.at) : timeout;
  }

  /** Takes what is available, at most a batch; each has one more attempt from now on, also when this process dies. */
  take(queue: string, limit: number, now: number): StoredMessage[] {
    return this.#transaction(() => {
      const taken = this.#prepare(
        `SELECT ${COLUMNS} FROM messages WHERE queue = ? AND available_at <= ? ORDER BY available_at, seq LIMIT ?`,
      ).all(queue, now, limit) as unknown as StoredMessage[];
      const count = this.#prepare("UPDATE messages SET attempts = attempts + 1 WHERE seq = ?");
      for (const { seq } of taken) count.run(seq);
      return taken.map((message) => ({ ...message, attempts: message.attempts + 1 }));
    });
  }

  settle({ acked, retried, dropped, dead, deadLetterQueue }: Settlement, now: number): void {
    const remove = this.#prepare("DELETE FROM messages WHERE seq = ?");
    const again = this.#prepare("UPDATE messages SET available_at = ? WHERE seq = ?");
    // A dead letter keeps its id and the time when it was sent.
    const move = this.#prepare("UPDATE messages SET queue = ?, available_at = ?, attempts = 0 WHERE seq = ?");
    this.#transaction(() => {
      for (const seq of [...acked, ...dropped]) remove.run(seq);
      for (const { seq, availableAt } of retried) again.run(availableAt, seq);
      for (const seq of dead) move.run(deadLetterQueue!, now, seq);
    });
  }

  /** They were never delivered: as if they had not been taken. */
  giveBack(seqs: readonly number[]): void {
    const statement = this.#prepare("UPDATE messages SET attempts = attempts - 1 WHERE seq = ?");
    this.#transaction(() => {
      for (const seq of seqs) statement.run(seq);
    });
  }

  metrics(queue: string): QueueMetrics {
    const row = this.#try(() =>
      this.#prepare(
        `SELECT messages, bytes, (SELECT min(sent_at) FROM messages WHERE queue = backlogs.queue) AS oldest
         FROM backlogs WHERE queue = ?`,
      ).get(queue),
    ) as { messages: number; bytes: number; oldest: number | null } | undefined;
    return {
      backlogCount: row?.messages ?? 0,
      backlogBytes: row?.bytes ?? 0,
      oldestMessageTimestamp: row?.oldest ?? 0,
    };
  }

  queues(): string[] {
    const rows = this.#try(() => this.#prepare("SELECT queue FROM backlogs WHERE messages > 0 ORDER BY queue").all());
    return rows.map(({ queue }) => String(queue));
  }

  /** @returns how many there were */
  purge(queue: string): number {
    return this.#try(() => Number(this.#prepare("DELETE FROM messages WHERE queue = ?").run(queue).changes));
  }

  /** Throws away what nobody has taken in time. */
  expire(now: number): void {
    this.#try(() => this.#prepare("DELETE FROM messages WHERE sent_at < ?").run(now - RETENTION));
  }

  get isOpen(): boolean {
    return this.#database.isOpen;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #transaction<T>(work: () => T): T {
    return this.#try(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof TroupeError || (error as { errcode?: number }).errcode === undefined) throw error;
      throw new TroupeError("STORE", `The queues in ${this.#file} failed: ${(error as Error).message}`, {
        notes: ["Check the disk and the permissions of the folder"],
        cause: error,
      });
    }
  }
}
