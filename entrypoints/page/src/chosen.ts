// Which failed calls are chosen, and which groups are open: kept while one of the calls is looked at.
import { type Signal, signal } from "@preact/signals";
import { onFeed } from "./feed";

export const chosen = signal<ReadonlySet<string>>(new Set());
export const openGroups = signal<ReadonlySet<string>>(new Set());

export const choose = (callIds: string[], yes: boolean) => put(chosen, callIds, yes);
export const chooseNone = () => choose([...chosen.peek()], false);
export const openGroup = (reason: string, yes: boolean) => put(openGroups, [reason], yes);

/** A call that is taken up again is chosen no more. */
export function followChosen(): void {
  onFeed("call", (event) => {
    if (event.state !== "FAILED" && chosen.peek().has(event.call_id)) choose([event.call_id], false);
  });
}

function put(set: Signal<ReadonlySet<string>>, names: string[], yes: boolean): void {
  const next = new Set(set.peek());
  for (const name of names) {
    if (yes) next.add(name);
    else next.delete(name);
  }
  set.value = next;
}
