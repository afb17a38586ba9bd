// The service's names in words that a supervisor knows.
import { clock, position } from "./times";
import type { CallSummary, Gap, HistoryEntry, State } from "./wire";

export const STATE_NAMES: Record<State, string> = {
  IN_PROGRESS: "Live",
  COMPLETED: "Waiting",
  PROCESSING_AI: "With the AI",
  ARCHIVED: "Archived",
  FAILED: "Failed",
};

export const STATE_MEANINGS: Record<State, string> = {
  IN_PROGRESS: "The call is going on.",
  COMPLETED: "The call is over and waits for the AI.",
  PROCESSING_AI: "The AI transcribes and sums up the call, or is about to try again.",
  ARCHIVED: "The call is transcribed, summed up and kept.",
  FAILED: "The AI could not process the call. It can be reprocessed.",
};

const REASONS: Record<string, { name: string; meaning: string }> = {
  ai_unavailable: {
    name: "The AI was not available",
    meaning: "It kept failing until the last run was over. Reprocess when it works again.",
  },
  ai_refused: {
    name: "The AI refused",
    meaning: "It said that this can never succeed: look at the key, the model and the detail before reprocessing.",
  },
  audio_dropped: {
    name: "The recording is gone",
    meaning: "What was received is no longer kept, so there is nothing to process.",
  },
  poison: {
    name: "It brought the service down",
    meaning: "Processes ended again and again while they worked on it, so it was set aside.",
  },
  internal_error: {
    name: "A fault of Trunkline's own",
    meaning: "The service's log has it. Reprocessing may help once it is mended.",
  },
};

export const reasonName = (reason: string) => REASONS[reason]?.name ?? reason;
export const reasonMeaning = (reason: string) => REASONS[reason]?.meaning ?? "";

export function eventTitle(entry: HistoryEntry): string {
  const { run, reason } = entry.detail;
  switch (entry.event) {
    case "call_started":
      return "Call started";
    case "call_completed":
      return reason === "idle" ? "Call ended, as nothing more came" : "Call ended";
    case "run_started":
      return `Run ${run} started`;
    case "call_transcribed":
      return "Transcribed";
    case "run_failed":
      return `Run ${run} gave up`;
    case "call_archived":
      return "Archived";
    case "call_failed":
      return `Failed: ${reasonName(String(reason)).toLowerCase()}`;
    case "reprocess_requested":
      return "Reprocess requested";
    default:
      return entry.event.replaceAll("_", " ");
  }
}

export function eventDetail(entry: HistoryEntry): string | null {
  const { detail, next_run_at } = entry.detail;
  const said = typeof detail === "string" ? detail : null;
  const next = typeof next_run_at === "string" ? `Next run at ${clock(next_run_at)}.` : null;
  return [said, next].filter(Boolean).join(" ") || null;
}

/** From and to where the PBX told them, otherwise what else it told. */
export function parties(call: CallSummary): string {
  const { from, to, ...rest } = call.metadata;
  if (from || to) return [from ?? "unknown", to ?? "unknown"].join(" → ");
  return Object.values(rest).slice(0, 2).join(" · ");
}

export const missingCount = (gaps: Gap[]) => gaps.reduce((sum, [first, last]) => sum + last - first + 1, 0);

export const gapText = ([first, last]: Gap) => (first === last ? `${first}` : `${first}–${last}`);

export function mediaText({ media }: CallSummary): string {
  const names: Record<string, string> = {
    "audio/x-mulaw": "Audio, µ-law",
    "audio/x-alaw": "Audio, A-law",
    "audio/l16": "Audio, 16-bit",
    "text/plain": "Text",
  };
  const rate = media.sample_rate_hz ? `, ${media.sample_rate_hz / 1_000} kHz` : "";
  const channels = media.channels && media.channels > 1 ? `, ${media.channels} channels` : "";
  return (names[media.encoding] ?? media.encoding) + rate + channels;
}

export const isAudio = (call: CallSummary) => call.media.encoding !== "text/plain";

/** Until its first run begins. */
export const takesPackets = ({ state }: CallSummary) => state === "IN_PROGRESS" || state === "COMPLETED";

export const plural = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Of audio its longest stream; otherwise from its start to its end. */
export function lengthOf(call: CallSummary, now: number): string {
  const streams = call.streams.map((stream) => stream.duration_seconds ?? 0);
  const longest = Math.max(0, ...streams);
  if (longest > 0) return position(longest);
  const end = call.completed_at ? Date.parse(call.completed_at) : now;
  return position((end - Date.parse(call.started_at)) / 1_000);
}
