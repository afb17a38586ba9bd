import { useMemo } from "preact/hooks";
import type { AlignedData } from "uplot";
import { Chart } from "./chart";
import { ai, type Attempts, lately, overview, series } from "./figures";
import { duration } from "./times";
import type { Ai } from "./wire";
import { plural } from "./words";

export function FiguresPanel() {
  return (
    <section class="figures" aria-label="How the service is">
      <PacketsCard />
      <LatencyCard />
      <AiCard />
      <StorageCard />
    </section>
  );
}

const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });
const milliseconds = (value: number | null | undefined) =>
  value === null || value === undefined ? "–" : `${number(value)}`;

function PacketsCard() {
  const [times, packets] = series.value;
  const data = useMemo(() => [times, packets] as AlignedData, [series.value]);
  const rate = overview.value?.packets_per_second;
  return (
    <div class="card figure">
      <h2>Packets</h2>
      <p class="value">
        {rate === undefined ? "–" : number(rate)} <small>a second</small>
      </p>
      <Chart
        label={`Packets a second over the last two minutes; now ${rate === undefined ? "not known" : number(rate)}`}
        data={data}
        lines={[{ colour: "--live", fill: true }]}
      />
    </div>
  );
}

function LatencyCard() {
  const [times, , p50, p99] = series.value;
  const data = useMemo(() => [times, p99, p50] as AlignedData, [series.value]);
  const latency = lastKnown(p50, p99);
  return (
    <div class="card figure">
      <h2>Time to acknowledge</h2>
      {latency.p50 === undefined ? (
        <p class="value">
          – <small>nothing came yet</small>
        </p>
      ) : (
        <p class="value">
          {milliseconds(latency.p50)} <small>ms typical</small>
          <span class="second">
            {milliseconds(latency.p99)} <small>ms for the slowest 1 %</small>
          </span>
        </p>
      )}
      <Chart
        label={`Time to acknowledge a packet over the last two minutes; half within ${milliseconds(latency.p50)} ms, 99 % within ${milliseconds(latency.p99)} ms`}
        data={data}
        lines={[
          { colour: "--ai", spanGaps: true },
          { colour: "--live", fill: true, spanGaps: true },
        ]}
      />
    </div>
  );
}

function lastKnown(p50: (number | null)[], p99: (number | null)[]) {
  const at = p50.findLastIndex((value) => value !== null);
  return { p50: p50[at], p99: p99[at] };
}

function AiCard() {
  const state = ai.value;
  if (!state) return <UnknownCard name="AI" />;
  const [level, words] = state.configured ? verdict(lately.value) : ["off", "Not set"];
  return (
    <div class="card figure">
      <h2>AI</h2>
      <p class={`value level ${level}`}>
        <i aria-hidden="true" />
        {words}
      </p>
      <dl>
        <div>
          <dt>Waiting</dt>
          <dd>
            {state.waiting === null ? "–" : number(state.waiting)}
            {state.oldest_waiting_seconds !== null && state.waiting ? (
              <small> oldest {duration(state.oldest_waiting_seconds)}</small>
            ) : null}
          </dd>
        </div>
        <div>
          <dt>At work</dt>
          <dd>{state.processing === null ? "–" : number(state.processing)}</dd>
        </div>
        <div>
          <dt>Attempts</dt>
          <dd>
            {number(state.attempts_total)} <small>{failedShare(state)}</small>
          </dd>
        </div>
      </dl>
    </div>
  );
}

/** One attempt that fails is no verdict. */
const FEWEST_TO_FAIL = 3;

function verdict(attempts: Attempts | null): [level: string, words: string] {
  if (!attempts) return ["off", "Idle"];
  const share = attempts.failed / attempts.made;
  if (share > 0.5 && attempts.failed >= FEWEST_TO_FAIL) return ["bad", "Failing"];
  return share > 0.1 ? ["warn", "Flaky"] : ["good", "Healthy"];
}

function UnknownCard({ name }: { name: string }) {
  return (
    <div class="card figure">
      <h2>{name}</h2>
      <p class="value">–</p>
    </div>
  );
}

function failedShare({ attempts_total, failures_total }: Ai): string {
  if (!failures_total) return attempts_total ? "none failed" : "";
  return `${number(failures_total)} failed`;
}

function StorageCard() {
  const latest = overview.value;
  if (!latest) return <UnknownCard name="Storage" />;
  const ready = latest.durability === "ready";
  return (
    <div class="card figure">
      <h2>Storage</h2>
      <p class={`value level ${ready ? "good" : "warn"}`}>
        <i aria-hidden="true" />
        {ready ? "Safe" : "Local only"}
      </p>
      <p class="note">
        {ready
          ? "Every packet is in the database before it is acknowledged."
          : "The database is away. Packets are on this machine’s disk before they are acknowledged."}
      </p>
      {latest.spooled_requests > 0 && (
        <p class="note">{plural(latest.spooled_requests, "request")} still to be handed on.</p>
      )}
    </div>
  );
}
