/**
 * undici's agent alone: its index loads fetch, caches, mocks and WebSockets as well, which costs every start of `dev` and of
 * a host 50 ms. undici is bundled at an exact version, so that its inner path holds.
 */
declare module "undici/lib/dispatcher/agent.js" {
  import { Agent } from "undici";
  export default Agent;
}
