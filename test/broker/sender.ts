/** Sends batches of three as fast as it can, and prints the number of each that is kept. Ends by being killed. */
import { createBroker } from "../../src/host/broker/broker.ts";

const [file, from] = process.argv.slice(2);
const broker = createBroker({ file: file!, deliver: () => Promise.reject(new Error("nobody receives")) });
const client = async (first: number): Promise<void> => {
  for (let n = first; ; n += 4) {
    const message = { contentType: "text" as const, body: Buffer.from(String(n)) };
    await broker.send("jobs", [message, message, message]);
    process.stdout.write(`${n}\n`);
  }
};
for (let n = 0; n < 4; n++) void client(Number(from) + n);
