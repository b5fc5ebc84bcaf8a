/** A Workflow with steps, a retry, a sleep and an event. */
import { WorkflowEntrypoint } from "cloudflare:workers";

let attempts = 0;

export class Order extends WorkflowEntrypoint {
  async run(event, step) {
    const item = await step.do("reserve", async () => `${event.payload.item} reserved`);
    const tries = await step.do("flaky", { retries: { limit: 3, delay: 10, backoff: "constant" } }, async () => {
      attempts += 1;
      if (attempts < 3) throw new Error("not yet");
      return attempts;
    });
    await step.sleep("wait", "100 milliseconds");
    const paid = await step.waitForEvent("payment", { type: "paid", timeout: "1 minute" });
    return { item, tries, paid: paid.payload };
  }
}

export default {};
