// What the feed says each second of all calls together.
import { signal } from "@preact/signals";
import { onFeed } from "./feed";
import type { Ai, Counts, Overview } from "./wire";

/** Of the charts. */
export const SHOWN_SECONDS = 120;

export const counts = signal<Counts | null>(null);
export const ai = signal<Ai | null>(null);
export const overview = signal<Overview | null>(null);
/** Times in seconds, packets a second, p50 and p99 in milliseconds: as uPlot takes them. */
export const series = signal<[number[], (number | null)[], (number | null)[], (number | null)[]]>([[], [], [], []]);
/** The present, once a second, by the viewer's clock. */
export const now = signal(Date.now());

export function followFigures(): void {
  onFeed("snapshot", (snapshot) => {
    counts.value = snapshot.calls_by_state;
    ai.value = snapshot.ai;
  });
  onFeed("overview", (latest) => {
    overview.value = latest;
    if (latest.calls_by_state) counts.value = latest.calls_by_state;
    ai.value = latest.ai;
    append(latest);
  });
  window.setInterval(() => {
    now.value = Date.now();
  }, 1_000);
}

function append(latest: Overview): void {
  const at = Date.parse(latest.at) / 1_000;
  const [times, packets, p50, p99] = series.value;
  const since = times.findIndex((time) => time > at - SHOWN_SECONDS);
  const from = since < 0 ? times.length : since;
  series.value = [
    [...times.slice(from), at],
    [...packets.slice(from), latest.packets_per_second],
    [...p50.slice(from), latest.ack_latency_ms.p50],
    [...p99.slice(from), latest.ack_latency_ms.p99],
  ];
}
