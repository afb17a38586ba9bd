// Where one is: kept in the hash, so that the server has one page and every place has a link.
import { computed, effect, signal } from "@preact/signals";
import { type State, STATES } from "./wire";

export type Route =
  | { page: "calls"; state: State | null; search: string }
  | { page: "call"; callId: string }
  | { page: "failures" };

const hash = signal(location.hash);
window.addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const route = computed(() => parse(hash.value));

/** The list as it was last looked at. */
let list = callsLink(null);
effect(() => {
  if (route.value.page === "calls") list = callsLink(route.value.state, route.value.search);
});
export const lastList = () => list;

export function parse(text: string): Route {
  const [path = "", query = ""] = text.replace(/^#/, "").split("?", 2);
  if (path.startsWith("/calls/")) return { page: "call", callId: decoded(path.slice("/calls/".length)) };
  if (path === "/failures") return { page: "failures" };
  const given = new URLSearchParams(query);
  const state = STATES.find((known) => known === given.get("state")) ?? null;
  return { page: "calls", state, search: given.get("search") ?? "" };
}

export const callLink = (callId: string) => `#/calls/${encodeURIComponent(callId)}`;

export function callsLink(state: State | null, search = ""): string {
  const query = new URLSearchParams();
  if (state) query.set("state", state);
  if (search) query.set("search", search);
  return `#/${query.size ? `?${query}` : ""}`;
}

/** Without a new entry in the browser's history. */
export function replaceRoute(link: string): void {
  history.replaceState(history.state, "", link);
  hash.value = link;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
