/** What the client makes of answers that are none of the API's. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { TroupeError } from "../../src/errors.ts";
import { Api } from "../../src/targets/cloudflare/client.ts";
import { ACCOUNT } from "./cloud.ts";
import { startCloud, TOKEN } from "./server.ts";

async function apiAt(listener: RequestListener): Promise<Api> {
  const server = createServer(listener);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Api.open({ token: "t", baseUrl, source: "CLOUDFLARE_API_TOKEN", retryDelay: 1 });
}

const failure = (thrown: TroupeError): TroupeError => thrown;

const html = (status: number): RequestListener => {
  return (_request, response) => response.writeHead(status, { "content-type": "text/html" }).end("<html>\n<h1>Welcome");
};

test.each([200, 404, 400])(
  "a page (%i) is not taken for an answer, nor for something that is not there",
  async (status) => {
    const api = await apiAt(html(status));
    for (const request of [api.get("/accounts"), api.list("/accounts"), api.find("/accounts")]) {
      const error = await (request as Promise<never>).catch(failure);
      expect(error).toMatchObject({ code: "UNREACHABLE" });
      expect(error.message).not.toContain("<");
      expect(error.notes.join("\n")).toContain("CLOUDFLARE_API_BASE_URL");
    }
  },
);

test("a page of a fault is tried again, and told in one line", async () => {
  let asked = 0;
  const page = html(502);
  const api = await apiAt((request, response) => {
    asked++;
    page(request, response);
  });
  const error = await api.get<never>("/accounts").catch(failure);
  expect(asked).toBe(5);
  expect(error).toMatchObject({ code: "UNREACHABLE" });
  expect(error.message).not.toMatch(/[<\n]/);
});

test("an account that there is not says where to see which there are", async () => {
  const server = await startCloud();
  onTestFinished(() => server.close());
  const api = await Api.open({ token: TOKEN, baseUrl: server.url, source: "login" });
  const error = await api.get<never>(`/accounts/f${ACCOUNT.slice(1)}/workers/scripts`).catch(failure);
  expect(error).toMatchObject({ code: "NOT_FOUND" });
  expect(error.notes.join("\n")).toContain("troupe whoami");
});
