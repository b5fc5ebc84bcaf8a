/** From drafts to what is active: planned, started on trial, committed. The one way that every verb goes. */
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import { makeSeed, removeSeed, serveData } from "../../host/seeds.ts";
import { refId } from "../../model.ts";
import type { Store } from "../../store/index.ts";
import type { ChangeOptions, ChangeReport } from "../target.ts";
import { commit } from "./commit.ts";
import type { Draft } from "./draft.ts";
import { type Address, changeResult } from "./info.ts";
import { type Plan, planChange } from "./plan.ts";
import { copiesOf } from "./promotion.ts";
import { type Trial, tryToStart } from "./trial.ts";
import { takeTurn } from "./turn.ts";

/** How often a change is planned anew because somebody else changed the same environments meanwhile. */
const ATTEMPTS = 20;

/** A change that is stored: its plan, and the numbers of the versions that are active now. */
interface Done {
  current: Plan;
  numbers: Map<string, number>;
}

export class Changes {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #address: Address;
  readonly #trial: Trial;

  constructor(
    store: Store,
    { now, address, trial = tryToStart }: { now: () => Date; address: Address; trial?: Trial | undefined },
  ) {
    this.#store = store;
    this.#now = now;
    this.#address = address;
    this.#trial = trial;
  }

  /** Folder of the data of all deployed environments. */
  get dataDir(): string {
    return serveData(path.dirname(this.#store.file));
  }

  /**
   * Plans, proves that it starts, and commits.
   * @param careful the drafts rest on what is active now: plan anew if that changes meanwhile
   * @throws TroupeError PRECONDITION for what stands in the way, START, STORE; CONFLICT when others are always faster
   */
  async make(build: () => Promise<Draft[]>, options: ChangeOptions, careful: boolean): Promise<ChangeReport> {
    const first = await this.#attempt(build, options, careful);
    if (first) return first;
    const giveBack = await takeTurn(path.dirname(this.#store.file), options.signal);
    try {
      for (let attempt = 2; attempt <= ATTEMPTS; attempt++) {
        const report = await this.#attempt(build, options, careful);
        if (report) return report;
      }
    } finally {
      await giveBack();
    }
    throw new TroupeError("CONFLICT", "Others kept changing the same environments; nothing was changed", {
      notes: ["Try again"],
    });
  }

  /** @returns undefined when somebody else changed the same meanwhile: nothing was done */
  async #attempt(
    build: () => Promise<Draft[]>,
    options: ChangeOptions,
    careful: boolean,
  ): Promise<ChangeReport | undefined> {
    const drafts = await build();
    const seen = this.#stateOf(drafts);
    const plan = this.#plan(drafts, options);
    await this.#trial(this.#store, plan, options.signal);
    options.signal?.throwIfAborted();
    if (options.dryRun) return this.#report(plan, undefined);
    const done = await this.#withCopies(drafts, () => this.#commit(drafts, options, careful ? seen : undefined));
    return done && this.#report(done.current, done.numbers);
  }

  #plan(drafts: readonly Draft[], { allowDataLoss }: ChangeOptions): Plan {
    return planChange(this.#store, drafts, {
      now: this.#now(),
      allowDataLoss: allowDataLoss === true,
      dataDir: this.dataDir,
    });
  }

  /** Copies the data that the drafts shall start with; it is removed again when nothing is committed. */
  async #withCopies(drafts: readonly Draft[], work: () => Done | undefined): Promise<Done | undefined> {
    const seeds = copiesOf(this.#store, drafts);
    let done: Done | undefined;
    try {
      for (const seed of seeds) await makeSeed(this.dataDir, seed);
      done = work();
      return done;
    } finally {
      if (!done) for (const { seed } of seeds) await removeSeed(this.dataDir, seed);
    }
  }

  /** @param seen undefined is returned when the drafts rest on anything else by now */
  #commit(drafts: readonly Draft[], options: ChangeOptions, seen: string | undefined): Done | undefined {
    return this.#store.transaction(() => {
      if (seen !== undefined && seen !== this.#stateOf(drafts)) return undefined;
      // Others may have changed what is bound, or this very environment: what held then must hold now.
      const current = this.#plan(drafts, options);
      return { current, numbers: commit(this.#store, current, options) };
    });
  }

  /** Equal as long as nobody else changes what the drafts rest on. */
  #stateOf(drafts: readonly Draft[]): string {
    const refs = drafts.flatMap(({ ref, origin }) => [ref, ...(origin ? [origin] : [])]);
    return JSON.stringify(
      refs.map((ref) => {
        const record = this.#store.findEnvironment(ref);
        return record && [record.activeVersionId, record.settings, this.#store.secrets(record)];
      }),
    );
  }

  #report(plan: Plan, numbers: Map<string, number> | undefined): ChangeReport {
    const results = plan.previews.map((each) => {
      const changed = plan.changed.includes(each);
      const next = this.#store.findEnvironment(each.draft.ref)?.nextVersion ?? 1;
      const number = each.draft.existing?.number ?? (changed ? next : each.previous!.number);
      const version = numbers?.get(refId(each.deployed.ref)) ?? number;
      return changeResult(this.#store, each, { version, changed, address: this.#address });
    });
    return { results, warnings: [] };
  }
}
