// A call's history as stretches of time: what it was doing, and for how long.
import type { HistoryEntry } from "./wire";

export type PhaseKind = "live" | "waiting" | "run" | "pause" | "rest";

export interface Phase {
  kind: PhaseKind;
  name: string;
  from: number;
  to: number;
  open: boolean;
}

/** `now` ends the last. Milliseconds. */
export function phasesOf(history: HistoryEntry[], now: number): Phase[] {
  const phases: Phase[] = [];
  for (const entry of history) {
    const at = Date.parse(entry.at);
    const begins = beginning(entry);
    if (!begins) continue;
    const last = phases.at(-1);
    if (last) Object.assign(last, { to: at, open: false });
    phases.push({ ...begins, from: at, to: Math.max(at, now), open: true });
  }
  return phases;
}

function beginning(entry: HistoryEntry): { kind: PhaseKind; name: string } | null {
  switch (entry.event) {
    case "call_started":
      return { kind: "live", name: "Live" };
    case "call_completed":
    case "reprocess_requested":
      return { kind: "waiting", name: "Waiting for the AI" };
    case "run_started":
      return { kind: "run", name: `Run ${entry.detail.run}` };
    case "run_failed":
      return { kind: "pause", name: "Until the next run" };
    case "call_archived":
      return { kind: "rest", name: "Archived" };
    case "call_failed":
      return { kind: "rest", name: "Failed" };
    default:
      return null;
  }
}
