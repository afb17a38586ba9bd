import { signal } from "@preact/signals";

/** What a screen reader is told: of what somebody did, and of nothing that happens all the time. */
export const said = signal("");

export function say(sentence: string): void {
  said.value = "";
  queueMicrotask(() => {
    said.value = sentence;
  });
}
