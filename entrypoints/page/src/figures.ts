// What the feed says each second of all calls together.
import { effect, signal } from "@preact/signals";
import { connection, onFeed } from "./feed";
import type { Ai, Counts, Overview } from "./wire";

/** Of the charts. */
export const SHOWN_SECONDS = 120;

export const counts = signal<Counts | null>(null);
export const ai = signal<Ai | null>(null);
export const overview = signal<Overview | null>(null);
/** Seconds of this page, packets a second, p50 and p99 in milliseconds: as uPlot takes them. */
export const series = signal<[number[], (number | null)[], (number | null)[], (number | null)[]]>([[], [], [], []]);
export interface Attempts {
  made: number;
  failed: number;
}
/** What the AI did in the last two minutes in which it was asked, as far as they were watched; null before it was. */
export const lately = signal<Attempts | null>(null);
/** The present, once a second, by the service's clock: what it tells is reckoned from there. */
export const now = signal(Date.now());

export function followFigures(): void {
  onFeed("snapshot", (snapshot) => {
    counts.value = snapshot.calls_by_state;
    ai.value = snapshot.ai;
    setClock(snapshot.at);
  });
  onFeed("overview", (latest) => {
    overview.value = latest;
    if (latest.calls_by_state) counts.value = latest.calls_by_state;
    ai.value = latest.ai;
    setClock(latest.at);
    append([latest.packets_per_second, latest.ack_latency_ms.p50, latest.ack_latency_ms.p99]);
    watchAi(latest.ai);
  });
  window.setInterval(tick, 1_000);
  effect(() => {
    if (connection.value !== "lost") return;
    append([null, null, null]);
    watched = []; // whoever answers next may count otherwise
  });
}

/** Less than that is the way here. */
const SAME_CLOCK_MILLISECONDS = 2_000;
let aheadMilliseconds = 0;

function setClock(at: string): void {
  const ahead = Date.parse(at) - Date.now();
  if (Math.abs(ahead - aheadMilliseconds) < SAME_CLOCK_MILLISECONDS) return;
  aheadMilliseconds = ahead;
  tick();
}

function tick(): void {
  now.value = Date.now() + aheadMilliseconds;
}

let watched: Ai[] = [];

function watchAi(latest: Ai): void {
  // A service that was started anew counts anew.
  if ((watched.at(-1)?.attempts_total ?? 0) > latest.attempts_total) watched = [];
  watched = [...watched, latest].slice(-SHOWN_SECONDS);
  const first = watched[0] ?? latest;
  const made = latest.attempts_total - first.attempts_total;
  if (made > 0) lately.value = { made, failed: latest.failures_total - first.failures_total };
}

type Row = [packets: number | null, p50: number | null, p99: number | null];

/** By the time that it came: the clocks of services differ. */
function append(row: Row): void {
  const at = performance.now() / 1_000;
  const [times, packets, p50, p99] = series.peek();
  const since = times.findIndex((time) => time > at - SHOWN_SECONDS);
  const from = since < 0 ? times.length : since;
  series.value = [
    [...times.slice(from), at],
    [...packets.slice(from), row[0]],
    [...p50.slice(from), row[1]],
    [...p99.slice(from), row[2]],
  ];
}
