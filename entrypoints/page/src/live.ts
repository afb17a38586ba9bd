// How far calls that go on are. A thousand calls say so a thousand times a second; it is shown twice a second.
import { signal } from "@preact/signals";
import { onFeed } from "./feed";
import type { Progress } from "./wire";

const SHOWN_EVERY_MILLISECONDS = 500;

const latest = new Map<string, Progress>();
let due = false;

/** Changes when there is something new in `progressOf`. */
export const progressed = signal(0);

export const progressOf = (callId: string): Progress | undefined => latest.get(callId);

export function followProgress(): void {
  onFeed("progress", (progress) => {
    latest.set(progress.call_id, progress);
    showSoon();
  });
  onFeed("gap", (gap) => {
    const progress = latest.get(gap.call_id);
    if (!progress) return;
    const streams = progress.streams.map((stream) =>
      stream.stream === gap.stream ? { ...stream, missing: gap.missing } : stream,
    );
    latest.set(gap.call_id, { ...progress, streams });
    showSoon();
  });
  onFeed("call", (event) => {
    if (event.state !== "IN_PROGRESS") latest.delete(event.call_id);
  });
  onFeed("snapshot", () => latest.clear());
}

function showSoon(): void {
  if (due) return;
  due = true;
  window.setTimeout(() => {
    due = false;
    progressed.value++;
  }, SHOWN_EVERY_MILLISECONDS);
}
