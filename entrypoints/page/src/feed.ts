// The one connection to /v1/events. EventSource comes again by itself with the last id that it heard; what it
// gives up on (an answer that is no stream), and a connection that has gone silent, are opened anew from here.
import { signal } from "@preact/signals";
import type { FeedEvents } from "./wire";

const KINDS = ["snapshot", "call", "progress", "gap", "overview"] as const;
/** An overview comes each second. */
const SILENCE_MILLISECONDS = 15_000;
const LOOK_MILLISECONDS = 1_000;
const AGAIN_MILLISECONDS = 2_000;
/** A browser has few connections to one server: a page that nobody sees gives its own back. */
const UNSEEN_MILLISECONDS = 60_000;

export type Connection = "connecting" | "live" | "lost";
export const connection = signal<Connection>("connecting");
/** When something was last heard; the page is as of then. */
export const heardAt = signal<number | null>(null);

type Handler<K extends keyof FeedEvents> = (data: FeedEvents[K]) => void;
const handlers: { [K in keyof FeedEvents]: Set<Handler<K>> } = {
  snapshot: new Set(),
  call: new Set(),
  progress: new Set(),
  gap: new Set(),
  overview: new Set(),
};

let source: EventSource | null = null;
let lastId = "";
/** When this connection was begun or last heard: by the wall's clock, which goes on while a laptop sleeps. */
let heardOrBegunAt = 0;
let again: number | undefined;
let unseen: number | undefined;

/** Returns what takes the handler away. */
export function onFeed<K extends keyof FeedEvents>(kind: K, handler: Handler<K>): () => void {
  handlers[kind].add(handler);
  return () => handlers[kind].delete(handler);
}

export function startFeed(): void {
  open();
  restWhileUnseen();
  document.addEventListener("visibilitychange", restWhileUnseen);
  window.addEventListener("online", () => {
    if (source) reopen();
  });
  window.setInterval(lookForSilence, LOOK_MILLISECONDS);
}

function restWhileUnseen(): void {
  clearTimeout(unseen);
  if (document.hidden) unseen = window.setTimeout(rest, UNSEEN_MILLISECONDS);
  else if (source) lookForSilence();
  else open();
}

function rest(): void {
  close();
  connection.value = "connecting";
}

function open(): void {
  clearTimeout(again);
  heardOrBegunAt = Date.now();
  const opened = new EventSource(lastId ? `/v1/events?last_event_id=${encodeURIComponent(lastId)}` : "/v1/events");
  source = opened;
  for (const kind of KINDS) {
    opened.addEventListener(kind, (event) => {
      heard(event.lastEventId);
      tell(kind, JSON.parse(event.data));
    });
  }
  opened.addEventListener("error", () => {
    connection.value = "lost";
    if (opened.readyState === EventSource.CLOSED) again = window.setTimeout(reopen, AGAIN_MILLISECONDS);
  });
}

function heard(id: string): void {
  if (id) lastId = id;
  heardOrBegunAt = Date.now();
  heardAt.value = heardOrBegunAt;
  connection.value = "live";
}

function lookForSilence(): void {
  if (!source || Math.abs(Date.now() - heardOrBegunAt) < SILENCE_MILLISECONDS) return;
  connection.value = "lost";
  reopen();
}

function reopen(): void {
  close();
  open();
}

function close(): void {
  clearTimeout(again);
  source?.close();
  source = null;
}

function tell<K extends keyof FeedEvents>(kind: K, data: FeedEvents[K]): void {
  for (const handler of handlers[kind]) handler(data);
}
