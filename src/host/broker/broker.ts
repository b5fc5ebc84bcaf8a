/**
 * Queues that outlive the processes: messages lie in SQLite, and Node hands them to their consumers in batches, one batch
 * at a time per queue. At least once, as on the network: what is under way when everything dies is delivered again.
 */
import { randomBytes } from "node:crypto";
import type { QueueProps, QueueRequest, QueueResponse } from "../../bindings/queue-service.ts";
import { TroupeError } from "../../errors.ts";
import type { QueueMetrics } from "../../runtime/types.ts";
import { type Incoming, MessageStore, type StoredMessage } from "./message-store.ts";
import { checkLimits, messagesOf, refused, sent } from "./request.ts";
import { BROKEN, settlementOf } from "./settle.ts";
import type { Broker, BrokerOptions, Consumer, NewMessage, WaitingMessage } from "./types.ts";

/** A consumer that can't be reached is tried again after 1 s, 2 s, 4 s… in ms. */
const BACKOFF = { first: 1_000, most: 60_000 };
/** A handler may take so long. https://developers.cloudflare.com/queues/platform/limits/ */
const HANDLER_TIME = 15 * 60 * 1000;
const EXPIRE_EVERY = 60 * 60 * 1000;
/** A timer can't wait longer. */
const LONGEST = 2 ** 31 - 1;

/** @throws TroupeError STORE when the file cannot be opened */
export function createBroker(options: BrokerOptions): Broker {
  return new DurableBroker(options);
}

/** What a queue's consumer gets. */
interface Delivery {
  /** Absent while nobody receives any more, and has a batch still. */
  consumer: Consumer | undefined;
  timer?: NodeJS.Timeout;
  /** What its consumer has right now. */
  batch?: readonly StoredMessage[];
  running?: Promise<void>;
  /** Times in a row that nothing could be delivered. */
  failures: number;
  /** Not tried again before, in ms since the epoch. */
  notBefore: number;
}

class DurableBroker implements Broker {
  readonly #options: BrokerOptions;
  readonly #store: MessageStore;
  readonly #deliveries = new Map<string, Delivery>();
  /** Sent in this turn of the event loop: written together. */
  #sending: { messages: Incoming[]; done: Promise<void> } | undefined;
  #expiring: NodeJS.Timeout;
  #closed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#store = new MessageStore(options.file);
    this.#store.expire(Date.now());
    this.#expiring = setInterval(() => this.#store.expire(Date.now()), EXPIRE_EVERY);
    this.#expiring.unref();
  }

  consume(consumers: readonly Consumer[]): void {
    const wanted = new Map(consumers.map((consumer) => [consumer.queue, consumer]));
    for (const [queue, delivery] of this.#deliveries) {
      if (wanted.has(queue)) continue;
      clearTimeout(delivery.timer);
      delivery.consumer = undefined;
    }
    for (const [queue, consumer] of wanted) {
      const delivery = this.#deliveries.get(queue);
      // What could not start before may be able to now.
      if (delivery) Object.assign(delivery, { consumer, failures: 0, notBefore: 0 });
      else this.#deliveries.set(queue, { consumer, failures: 0, notBefore: 0 });
      this.#plan(queue);
    }
  }

  async handle(queue: QueueProps, request: QueueRequest): Promise<QueueResponse> {
    try {
      if (request.path === "/metrics") return { status: 200, body: JSON.stringify(this.metrics(queue.queue)) };
      await this.send(queue.queue, messagesOf(queue, request));
      return sent(this.metrics(queue.queue));
    } catch (error) {
      return refused(error);
    }
  }

  send(queue: string, messages: readonly NewMessage[]): Promise<void> {
    try {
      checkLimits(messages);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#sending ??= this.#nextWrite();
    const sentAt = Date.now();
    for (const message of messages) {
      this.#sending.messages.push({ ...message, queue, sentAt, id: randomBytes(16).toString("hex") });
    }
    return this.#sending.done;
  }

  peek(queue: string, limit: number): WaitingMessage[] {
    const delivering = new Set(this.#deliveries.get(queue)?.batch?.map(({ seq }) => seq));
    return this.#store.next(queue, limit).map(({ seq, sentAt, ...message }) => ({
      ...message,
      timestamp: sentAt,
      delivering: delivering.has(seq),
    }));
  }

  metrics(queue: string): QueueMetrics {
    return this.#store.metrics(queue);
  }

  queues(): string[] {
    return this.#store.queues();
  }

  purge(queue: string): number {
    return this.#store.purge(queue);
  }

  async close(grace = 0): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#expiring);
    for (const { timer } of this.#deliveries.values()) clearTimeout(timer);
    await this.#sending?.done.catch(() => {});
    const running = Promise.all([...this.#deliveries.values()].map((delivery) => delivery.running));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, grace);
    });
    await Promise.race([running, late]);
    clearTimeout(timer);
    this.#store.close();
  }

  /** One transaction, and one wait for the disk, for all that is sent at the same time. */
  #nextWrite(): { messages: Incoming[]; done: Promise<void> } {
    const messages: Incoming[] = [];
    const done = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#sending = undefined;
        try {
          this.#store.insert(messages);
        } catch (error) {
          return reject(error);
        }
        resolve();
        for (const queue of new Set(messages.map((message) => message.queue))) this.#plan(queue);
      });
    });
    return { messages, done };
  }

  /** Sets the timer for the next batch of a queue, or starts it. */
  #plan(queue: string): void {
    const delivery = this.#deliveries.get(queue);
    if (!delivery?.consumer || delivery.running || this.#closed) return;
    clearTimeout(delivery.timer);
    const { consumer } = delivery;
    const due = this.#store.dueAt(consumer);
    if (due === undefined) return;
    const wait = Math.max(due, delivery.notBefore) - Date.now();
    if (wait > 0) {
      delivery.timer = setTimeout(() => this.#plan(queue), Math.min(wait, LONGEST));
      delivery.timer.unref();
      return;
    }
    delivery.running = this.#deliver(delivery, consumer)
      .catch((error: Error) => this.#stuck(delivery, consumer, error))
      .finally(() => {
        delivery.running = undefined;
        delivery.batch = undefined;
        this.#plan(queue);
      });
  }

  async #deliver(delivery: Delivery, consumer: Consumer): Promise<void> {
    const { queue, worker } = consumer;
    const batch = this.#store.take(queue, consumer.maxBatchSize, Date.now());
    delivery.batch = batch;
    const startedAt = performance.now();
    const messages = batch.map(({ id, sentAt, attempts, contentType, body }) => {
      return { id, timestamp: sentAt, attempts, contentType, body };
    });
    const delivering = this.#options.deliver(consumer, { queue, messages, metrics: this.metrics(queue) });
    const result = await inTime(delivering).catch((error: Error) => {
      if (error instanceof TroupeError) return error;
      // Its process is gone, or about to be: whoever comes next has to start first.
      delivery.notBefore = Date.now() + BACKOFF.first;
      return BROKEN;
    });
    // Too late: it is delivered again, by whoever opens the file next.
    if (!this.#store.isOpen) return;
    if (result instanceof TroupeError) {
      this.#store.giveBack(batch.map(({ seq }) => seq));
      throw result;
    }
    delivery.failures = 0;
    const settlement = settlementOf(batch, consumer, result, Date.now());
    this.#store.settle(settlement, Date.now());
    if (settlement.dead.length > 0) this.#plan(settlement.deadLetterQueue!);
    this.#options.onBatch?.({
      queue,
      worker,
      outcome: result.outcome,
      acked: settlement.acked.length,
      retried: settlement.retried.length,
      dead: settlement.dead.length,
      dropped: settlement.dropped.length,
      ms: performance.now() - startedAt,
    });
  }

  #stuck(delivery: Delivery, consumer: Consumer, error: Error): void {
    // A process that was stopped or died is back in a moment.
    const passing = error instanceof TroupeError && error.code === "UNREACHABLE";
    if (delivery.failures === (passing ? 2 : 0)) this.#options.onStuck?.(consumer, error);
    delivery.notBefore = Date.now() + Math.min(BACKOFF.most, BACKOFF.first * 2 ** delivery.failures);
    delivery.failures++;
  }
}

/** Gives up on a handler that takes longer than it may. */
async function inTime<T>(handling: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the handler takes too long")), HANDLER_TIME).unref();
  });
  try {
    return await Promise.race([handling, late]);
  } finally {
    clearTimeout(timer);
  }
}
