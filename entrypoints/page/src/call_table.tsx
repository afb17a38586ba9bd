import { useMemo } from "preact/hooks";
import { now } from "./figures";
import { progressed, progressOf } from "./live";
import { callLink } from "./route";
import { StateMark } from "./state_mark";
import { clock, position, whole } from "./times";
import type { CallSummary, Progress } from "./wire";
import { lengthOf, missingCount, parties, plural, reasonName } from "./words";

/** A table with its roles named, as narrow screens show it in another form. */
export function CallTable({ calls }: { calls: CallSummary[] }) {
  progressed.value;
  return (
    <table class="calls" role="table" aria-label="Calls, newest first">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">State</th>
          <th role="columnheader" scope="col">Call</th>
          <th role="columnheader" scope="col">Started</th>
          <th role="columnheader" scope="col" class="end">Length</th>
          <th role="columnheader" scope="col" class="end">Packets</th>
          <th role="columnheader" scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {calls.map((call) => (
          <Row key={call.call_id} call={call} progress={progressOf(call)} />
        ))}
      </tbody>
    </table>
  );
}

/** Made anew only where something of it changed: the list changes far more often than a row of it. */
function Row({ call, progress }: { call: CallSummary; progress: Progress | undefined }) {
  const ticking = call.state === "IN_PROGRESS" || call.next_run_at !== null;
  const tick = ticking ? now.value : 0;
  return useMemo(() => <RowCells call={call} progress={progress} tick={tick} />, [call, progress, tick]);
}

function RowCells({ call, progress, tick }: { call: CallSummary; progress: Progress | undefined; tick: number }) {
  const streams = progress?.streams ?? call.streams;
  const packets = progress?.packets ?? streams.reduce((sum, stream) => sum + stream.received, 0);
  const missing = streams.reduce((sum, stream) => sum + missingCount(stream.missing), 0);
  const length = progress?.duration_seconds ? position(progress.duration_seconds) : lengthOf(call, tick);
  const who = parties(call);
  return (
    <tr role="row" data-call={call.call_id}>
      <td role="cell" class="c-state">
        <StateMark state={call.state} />
      </td>
      <td role="cell" class="c-call">
        <a href={callLink(call.call_id)}>{call.call_id}</a>
        {who && <span class="who">{who}</span>}
      </td>
      <td role="cell" class="c-started">
        <time dateTime={call.started_at} title={whole(call.started_at)}>
          {clock(call.started_at)}
        </time>
      </td>
      <td role="cell" class="c-length end">{length}</td>
      <td role="cell" class="c-packets end">
        {missing > 0 && (
          <span class="missing" title={`${plural(missing, "packet")} missing`}>
            {missing.toLocaleString("en")} missing
          </span>
        )}
        <span class="packets" data-unit={packets === 1 ? "packet" : "packets"}>
          {packets.toLocaleString("en")}
        </span>
      </td>
      <td role="cell" class="c-outcome">
        <Outcome call={call} />
      </td>
    </tr>
  );
}

function Outcome({ call }: { call: CallSummary }) {
  if (call.failure) return <span class="outcome bad">{reasonName(call.failure.reason)}</span>;
  if (call.next_run_at && call.state === "PROCESSING_AI") {
    return <span class="outcome warn">Tries again at {clock(call.next_run_at)}</span>;
  }
  if (call.state === "ARCHIVED" && call.summary) {
    return (
      <span class="outcome">
        {call.sentiment && <SentimentMark label={call.sentiment.label} />}
        <span class="summary">{call.summary}</span>
      </span>
    );
  }
  if (call.state === "PROCESSING_AI") return <span class="outcome quiet">Run {call.runs}</span>;
  return null;
}

function SentimentMark({ label }: { label: "positive" | "neutral" | "negative" }) {
  return <span class={`sentiment ${label}`}>{label}</span>;
}
