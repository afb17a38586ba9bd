// How far calls that go on are. A thousand calls say so a thousand times a second; it is shown twice a second.
import { signal } from "@preact/signals";
import { onFeed } from "./feed";
import type { CallSummary, Progress } from "./wire";

const SHOWN_EVERY_MILLISECONDS = 500;

const latest = new Map<string, Progress>();
let due = false;

/** Changes when there is something new in `progressOf`. */
export const progressed = signal(0);

/** None where the call itself, read later, has more: what came while nothing was heard of it is not told again. */
export function progressOf(call: CallSummary): Progress | undefined {
  const progress = latest.get(call.call_id);
  const received = call.streams.reduce((sum, stream) => sum + stream.received, 0);
  return progress && progress.packets >= received ? progress : undefined;
}

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
