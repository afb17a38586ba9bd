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
/** Of the AI's attempts in the shown time, as far as it was watched; null before there was one. */
export const failedLately = signal<number | null>(null);
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
    watchAi(latest);
  });
  window.setInterval(() => {
    now.value = Date.now();
  }, 1_000);
}

const LEAST_ATTEMPTS = 4;
let watched: Ai[] = [];

function watchAi(latest: Overview): void {
  // A service that was started anew counts anew.
  if ((watched.at(-1)?.attempts_total ?? 0) > latest.ai.attempts_total) watched = [];
  watched = [...watched, latest.ai].slice(-SHOWN_SECONDS);
  const first = watched[0] ?? latest.ai;
  const attempts = latest.ai.attempts_total - first.attempts_total;
  failedLately.value =
    attempts < LEAST_ATTEMPTS ? null : (latest.ai.failures_total - first.failures_total) / attempts;
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
