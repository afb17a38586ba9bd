// What the API answers, as /openapi.json describes it.

export type State = "IN_PROGRESS" | "COMPLETED" | "PROCESSING_AI" | "ARCHIVED" | "FAILED";
export const STATES: readonly State[] = ["IN_PROGRESS", "COMPLETED", "PROCESSING_AI", "ARCHIVED", "FAILED"];

/** First and last of the sequence numbers that are missing. */
export type Gap = [number, number];

export interface Stream {
  stream: string;
  received: number;
  duplicates: number;
  next_expected: number;
  missing: Gap[];
  duration_seconds: number | null;
}

export interface CallSummary {
  call_id: string;
  state: State;
  /** Of the newest entry of its history. */
  version: number;
  started_at: string;
  completed_at: string | null;
  archived_at: string | null;
  media: { encoding: string; sample_rate_hz: number | null; channels: number | null };
  metadata: Record<string, string>;
  streams: Stream[];
  runs: number;
  next_run_at: string | null;
  failure: { reason: string; detail: string } | null;
  transcript: string | null;
  summary: string | null;
  sentiment: { label: "positive" | "neutral" | "negative"; score: number } | null;
}

export interface Segment {
  start_seconds: number;
  end_seconds: number;
  stream: string;
  text: string;
}

export interface HistoryEntry {
  version: number;
  event: string;
  at: string;
  state: State;
  detail: Record<string, unknown>;
}

export interface CallDetails extends CallSummary {
  transcript_reason: string | null;
  segments: Segment[];
  history: HistoryEntry[];
}

export interface CallList {
  calls: CallSummary[];
  next: string | null;
}

export interface Waveform {
  duration_seconds: number;
  streams: { stream: string; peaks: number[]; gaps: [number, number][] }[];
}

export interface FailureGroup {
  reason: string;
  count: number;
  newest_at: string;
  example_detail: string;
}

export interface Batch {
  batch_id: string;
  created_at: string;
  per_second: number;
  failure_reason: string | null;
  all_failed: boolean;
  total: number;
  done: number;
  refused: number;
  finished: boolean;
}

export type Counts = Record<State, number>;

export interface Ai {
  configured: boolean;
  attempts_total: number;
  failures_total: number;
  waiting: number | null;
  processing: number | null;
  oldest_waiting_seconds: number | null;
}

export interface CallEvent extends HistoryEntry {
  call_id: string;
}

export interface Progress {
  call_id: string;
  at: string;
  packets: number;
  duration_seconds: number | null;
  streams: Stream[];
}

export interface Overview {
  at: string;
  calls_by_state: Counts | null;
  packets_per_second: number;
  ack_latency_ms: { p50: number | null; p99: number | null };
  ai: Ai;
  durability: "ready" | "degraded";
  spooled_requests: number;
}

export interface FeedEvents {
  snapshot: { at: string; calls_by_state: Counts; live: CallSummary[]; ai: Ai };
  call: CallEvent;
  progress: Progress;
  gap: { call_id: string; at: string; stream: string; missing: Gap[] };
  overview: Overview;
}
