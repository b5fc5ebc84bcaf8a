/** What the broker takes and tells. */
import type { ConsumerSettings } from "../../bindings/queue-consumer.ts";
import type { QueueProps, QueueRequest, QueueResponse } from "../../bindings/queue-service.ts";
import type { BatchOutcome } from "../../model.ts";
import type { QueueBatch, QueueMessage, QueueMetrics, QueueResult } from "../../runtime/types.ts";

export type { QueueBatch, QueueMetrics, QueueResult };
export type ContentType = QueueMessage["contentType"];

/** A queue's consumer. */
export interface Consumer extends ConsumerSettings {
  /** Worker id. */
  worker: string;
}

/** A message to be kept. */
export interface NewMessage {
  contentType: ContentType;
  body: Uint8Array;
  delaySeconds?: number;
}

/** A message that waits, as `peek` shows it. */
export interface WaitingMessage extends QueueMessage {
  /** Milliseconds since the epoch: not delivered before. */
  availableAt: number;
  /** Its consumer has it right now. */
  delivering: boolean;
}

/** What became of a batch. */
export interface BatchReport extends BatchOutcome {
  worker: string;
}

export interface BrokerOptions {
  /** SQLite file, made when it is not there; absent: in memory. */
  file?: string;
  /**
   * Hands a batch to its consumer, which may have to be started first. A TroupeError means that it never got there: tried
   * again later, without counting as an attempt. Anything else counts as one.
   */
  deliver(consumer: Consumer, batch: QueueBatch): Promise<QueueResult>;
  onBatch?(report: BatchReport): void;
  /** Messages can't be delivered, and wait. Told once, until they can be. */
  onStuck?(consumer: Consumer, error: Error): void;
}

export interface Broker {
  /** Who receives from now on; a queue has at most one consumer. Messages of other queues wait. */
  consume(consumers: readonly Consumer[]): void;
  /** Answers a queue binding. */
  handle(queue: QueueProps, request: QueueRequest): Promise<QueueResponse>;
  /** Resolves when the messages are on disk. @throws TroupeError USAGE over a limit, STORE when they can't be written */
  send(queue: string, messages: readonly NewMessage[]): Promise<void>;
  /** The oldest messages, as they wait. */
  peek(queue: string, limit: number): WaitingMessage[];
  metrics(queue: string): QueueMetrics;
  /** Ids of queues that hold messages. */
  queues(): string[];
  /** Throws all messages of a queue away. @returns how many */
  purge(queue: string): number;
  /** Starts no more batches, waits for those under way for at most `grace` ms, and closes the file. */
  close(grace?: number): Promise<void>;
}
