import { now } from "./figures";
import { type Phase, type PhaseKind, phasesOf } from "./phases";
import { clock, duration, whole } from "./times";
import type { CallDetails, HistoryEntry } from "./wire";
import { eventDetail, eventTitle } from "./words";

const LEGEND: Record<Exclude<PhaseKind, "rest">, string> = {
  live: "Live",
  waiting: "Waiting",
  run: "With the AI",
  pause: "Between runs",
};
/** Of the bar: what is shorter is still seen. */
const LEAST_SHARE = 0.02;

export function Timeline({ call }: { call: CallDetails }) {
  const settled = call.state === "ARCHIVED" || call.state === "FAILED";
  const phases = phasesOf(call.history, settled ? 0 : now.value).filter((phase) => phase.kind !== "rest");
  return (
    <section class="card timeline" aria-label="Timeline">
      <h2>Timeline</h2>
      <PhaseBar phases={phases} />
      <ol>
        {call.history.map((entry, at) => (
          <Entry key={entry.version} entry={entry} before={call.history[at - 1]} />
        ))}
        {call.next_run_at && !settled && call.runs > 0 && <NextRun at={call.next_run_at} />}
      </ol>
    </section>
  );
}

function PhaseBar({ phases }: { phases: Phase[] }) {
  const whole = phases.reduce((sum, phase) => sum + phase.to - phase.from, 0) || 1;
  const totals = (Object.keys(LEGEND) as (keyof typeof LEGEND)[]).map((kind) => ({
    kind,
    seconds: phases.filter((phase) => phase.kind === kind).reduce((sum, { from, to }) => sum + to - from, 0) / 1_000,
    present: phases.some((phase) => phase.kind === kind),
  }));
  return (
    <div class="phases">
      <div class="bar" aria-hidden="true">
        {phases.map((phase, at) => (
          <span
            key={at}
            class={`${phase.kind} ${phase.open ? "open" : ""}`}
            title={`${phase.name}: ${duration((phase.to - phase.from) / 1_000)}`}
            style={{ flexGrow: Math.max(LEAST_SHARE, (phase.to - phase.from) / whole) }}
          />
        ))}
      </div>
      <ul>
        {totals
          .filter(({ present }) => present)
          .map(({ kind, seconds }) => (
            <li key={kind} class={kind}>
              <i aria-hidden="true" />
              {LEGEND[kind]} <b>{duration(seconds)}</b>
            </li>
          ))}
      </ul>
    </div>
  );
}

function Entry({ entry, before }: { entry: HistoryEntry; before: HistoryEntry | undefined }) {
  const detail = eventDetail(entry);
  const later = before ? (Date.parse(entry.at) - Date.parse(before.at)) / 1_000 : null;
  const kind = entry.event === "run_failed" ? "retry" : entry.state;
  return (
    <li class={kind} data-event={entry.event}>
      <p>
        <strong>{eventTitle(entry)}</strong>
        <time dateTime={entry.at} title={whole(entry.at)}>
          {clock(entry.at)}
        </time>
        {later !== null && <small>+{duration(later)}</small>}
      </p>
      {detail && <p class="detail">{detail}</p>}
    </li>
  );
}

function NextRun({ at }: { at: string }) {
  const seconds = (Date.parse(at) - now.value) / 1_000;
  return (
    <li class="next">
      <p>
        <strong>Next run</strong>
        <time dateTime={at} title={whole(at)}>
          {clock(at)}
        </time>
        <small>{seconds > 0 ? `in ${duration(Math.ceil(seconds))}` : "due now"}</small>
      </p>
    </li>
  );
}
