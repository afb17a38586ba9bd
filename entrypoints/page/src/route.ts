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

/** The list, or the failures, as they were last looked at. */
let last = { link: callsLink(null), name: "Calls" };
effect(() => {
  const here = route.value;
  if (here.page === "calls") last = { link: callsLink(here.state, here.search), name: "Calls" };
  else if (here.page === "failures") last = { link: "#/failures", name: "Failures" };
});
export const lastPlace = () => last;

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
