// One page of the list of calls. It is asked for, and then kept true by the feed; what an event does not tell
// (metadata, a summary) is asked for again, a whole page at a time and not more often than every two seconds; more
// seldom where the answer takes long, for then many ask.
import { batch, effect, signal } from "@preact/signals";
import { say } from "./announcer";
import { getCalls } from "./api";
import { connection, onFeed } from "./feed";
import { route } from "./route";
import type { CallEvent, CallList, CallSummary, State } from "./wire";
import { plural } from "./words";

export const PAGE_CALLS = 50;
const AGAIN_MILLISECONDS = 2_000;
const LARGEST_SHARE_OF_TIME = 0.05;
const APPLY_MILLISECONDS = 150;

export const calls = signal<CallSummary[] | null>(null);
export const following = signal<string | null>(null);
/** The cursors of the pages on the way here; none on the newest. */
export const cursors = signal<string[]>([]);
export const trouble = signal<string | null>(null);
/** Calls that began while an older page was looked at. */
export const begun = signal(0);
/** Whether other calls are asked for than those that are shown. */
export const changing = signal(false);

let wanted: { state: State | null; search: string } = { state: null, search: "" };
let running: AbortController | null = null;
let askedAt = 0;
let tookMilliseconds = 0;
let again: number | undefined;
let waiting: CallEvent[] = [];
/** Told since the last question was asked: its answer may not know of them. */
let sinceAsked: CallEvent[] = [];

export function followList(): void {
  effect(() => {
    const here = route.value;
    if (here.page !== "calls") return;
    if (here.state === wanted.state && here.search === wanted.search && calls.peek() !== null) return loadSoon();
    wanted = { state: here.state, search: here.search };
    show([]);
  });
  onFeed("snapshot", () => {
    waiting = [];
    void load();
  });
  onFeed("call", (event) => {
    if (waiting.push(event) === 1) window.setTimeout(applyWaiting, APPLY_MILLISECONDS);
  });
  document.addEventListener("visibilitychange", loadSoon);
  effect(() => {
    if (connection.value === "live") loadSoon();
  });
}

export const newest = () => show([]);
export const newer = () => show(cursors.peek().slice(0, -1));
export function older(): void {
  const next = following.peek();
  if (next) show([...cursors.peek(), next]);
}

function show(path: string[]): void {
  batch(() => {
    cursors.value = path;
    begun.value = 0;
    changing.value = true;
  });
  void load();
}

async function load(): Promise<void> {
  clearTimeout(again);
  again = undefined;
  askedAt = Date.now();
  sinceAsked = [];
  running?.abort();
  const mine = new AbortController();
  running = mine;
  try {
    const page = await getCalls(
      { ...wanted, limit: PAGE_CALLS, after: cursors.peek().at(-1) ?? null },
      mine.signal,
    );
    if (mine === running) take(page);
  } catch (error) {
    if (mine === running && !mine.signal.aborted) {
      trouble.value = (error as Error).message;
      loadSoon();
    }
  }
}

function take(page: CallList): void {
  tookMilliseconds = Date.now() - askedAt;
  if (changing.peek()) say(page.calls.length ? `${plural(page.calls.length, "call")} shown.` : "No call fits.");
  batch(() => {
    calls.value = afterEvents(page.calls, sinceAsked);
    following.value = page.next;
    trouble.value = null;
    changing.value = false;
  });
}

function loadSoon(): void {
  if (again !== undefined || document.hidden || route.peek().page !== "calls") return;
  const apart = Math.max(AGAIN_MILLISECONDS, tookMilliseconds / LARGEST_SHARE_OF_TIME);
  again = window.setTimeout(() => void load(), Math.max(0, askedAt + apart - Date.now()));
}

function applyWaiting(): void {
  const events = waiting;
  waiting = [];
  sinceAsked.push(...events);
  const present = calls.peek();
  if (!present) return;
  const shown = afterEvents(present, events);
  if (shown !== present) calls.value = shown;
  const first = cursors.peek().length === 0;
  if (!first && fits("IN_PROGRESS")) begun.value += events.filter((event) => event.event === "call_started").length;
  if (first || events.some((event) => shown.some((call) => call.call_id === event.call_id))) loadSoon();
}

/**
 * The same where they change nothing: what a row knows of does not set it back. Calls that do not fit any more stay
 * until the page is asked for again.
 */
function afterEvents(present: CallSummary[], events: CallEvent[]): CallSummary[] {
  const rows = new Map(present.map((call) => [call.call_id, call]));
  const started: CallSummary[] = [];
  for (const event of events) {
    const row = rows.get(event.call_id);
    if (row && event.version > row.version) rows.set(event.call_id, changed(row, event));
    else if (!row && event.event === "call_started") {
      const call = begin(event);
      rows.set(event.call_id, call);
      started.unshift(call);
    }
  }
  const fresh = cursors.peek().length === 0 && fits("IN_PROGRESS") ? started : [];
  const shown = [...fresh, ...present].slice(0, PAGE_CALLS).map((call) => rows.get(call.call_id) ?? call);
  return shown.some((call, at) => call !== present[at]) ? shown : present;
}

const fits = (state: State) => !wanted.search && (wanted.state === null || wanted.state === state);

function begin(event: CallEvent): CallSummary {
  return {
    call_id: event.call_id,
    state: event.state,
    version: event.version,
    started_at: event.at,
    completed_at: null,
    archived_at: null,
    media: { encoding: "", sample_rate_hz: null, channels: null },
    metadata: {},
    streams: [],
    runs: 0,
    next_run_at: null,
    failure: null,
    transcript: null,
    summary: null,
    sentiment: null,
  };
}

function changed(call: CallSummary, event: CallEvent): CallSummary {
  const next: CallSummary = { ...call, state: event.state, version: event.version };
  const { run, next_run_at, reason, detail } = event.detail;
  switch (event.event) {
    case "call_completed":
      next.completed_at = event.at;
      break;
    case "run_started":
      next.runs = Number(run);
      next.next_run_at = null;
      break;
    case "run_failed":
      next.next_run_at = String(next_run_at);
      break;
    case "call_archived":
      next.archived_at = event.at;
      next.next_run_at = null;
      break;
    case "call_failed":
      next.failure = { reason: String(reason), detail: String(detail) };
      next.next_run_at = null;
      break;
    case "reprocess_requested":
      next.failure = null;
      break;
  }
  return next;
}
