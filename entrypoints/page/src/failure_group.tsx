import { useEffect, useRef, useState } from "preact/hooks";
import { say } from "./announcer";
import { getCalls, reprocessCall } from "./api";
import { onFeed } from "./feed";
import { Again } from "./icons";
import { callLink } from "./route";
import { clock, whole } from "./times";
import type { CallSummary, FailureGroup } from "./wire";
import { parties, plural, reasonMeaning, reasonName } from "./words";

const PAGE_CALLS = 50;
const AGAIN_MILLISECONDS = 1_000;

interface Properties {
  group: FailureGroup;
  chosen: ReadonlySet<string>;
  choose: (callId: string, yes: boolean) => void;
  reprocess: () => void;
}

export function FailureGroupCard({ group, chosen, choose, reprocess }: Properties) {
  const [open, setOpen] = useState(false);
  return (
    <section class="card group" aria-label={reasonName(group.reason)} data-reason={group.reason}>
      <header>
        <div>
          <h2>
            {reasonName(group.reason)} <span class="badge bad">{group.count.toLocaleString("en")}</span>
          </h2>
          <p class="quiet">{reasonMeaning(group.reason)}</p>
        </div>
        <button type="button" onClick={reprocess}>
          <Again /> Reprocess {group.count === 1 ? "it" : `these ${group.count.toLocaleString("en")}`}
        </button>
      </header>
      <p class="example">
        <span>
          Last, at <time dateTime={group.newest_at}>{clock(group.newest_at)}</time>:
        </span>{" "}
        <span class="said">{group.example_detail}</span>
      </p>
      <button type="button" class="plain disclose" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "Hide" : "Show"} {group.count === 1 ? "the call" : `the ${plural(group.count, "call")}`}
      </button>
      {open && <FailedCalls reason={group.reason} chosen={chosen} choose={choose} />}
    </section>
  );
}

function FailedCalls({ reason, chosen, choose }: Pick<Properties, "chosen" | "choose"> & { reason: string }) {
  const { calls, more, trouble } = useFailedCalls(reason);
  if (!calls) return <p class="quiet">{trouble ?? "Loading…"}</p>;
  const all = calls.length > 0 && calls.every((call) => chosen.has(call.call_id));
  return (
    <>
      <label class="all">
        <input
          type="checkbox"
          checked={all}
          onChange={(event) => {
            for (const call of calls) choose(call.call_id, event.currentTarget.checked);
          }}
        />
        {calls.length === 1 ? "Choose it" : `Choose all ${calls.length} shown`}
      </label>
      <ul class="failed-calls">
        {calls.map((call) => (
          <FailedCall key={call.call_id} call={call} chosen={chosen.has(call.call_id)} choose={choose} />
        ))}
      </ul>
      {trouble && <p class="trouble">{trouble}</p>}
      {more && (
        <button type="button" onClick={more}>
          Show older
        </button>
      )}
    </>
  );
}

interface RowProperties {
  call: CallSummary;
  chosen: boolean;
  choose: Properties["choose"];
}

function FailedCall({ call, chosen, choose }: RowProperties) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const reprocess = () =>
    reprocessCall(call.call_id).then(
      () => say(`${call.call_id} is processed again.`),
      (error: Error) => setTrouble(error.message),
    );
  return (
    <li data-call={call.call_id}>
      <input
        type="checkbox"
        aria-label={`Choose ${call.call_id}`}
        checked={chosen}
        onChange={(event) => choose(call.call_id, event.currentTarget.checked)}
      />
      <div>
        <a href={callLink(call.call_id)}>{call.call_id}</a> <span class="who">{parties(call)}</span>
        <p class="said">{trouble ?? call.failure?.detail}</p>
      </div>
      <time dateTime={call.started_at} title={whole(call.started_at)}>
        {clock(call.started_at)}
      </time>
      <button type="button" aria-label={`Reprocess ${call.call_id}`} onClick={() => void reprocess()}>
        <Again /> <span class="wide">Reprocess</span>
      </button>
    </li>
  );
}

/** As far as they were asked for; those that are taken up again leave. */
function useFailedCalls(reason: string) {
  const [calls, setCalls] = useState<CallSummary[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const timer = useRef<number | undefined>(undefined);
  const read = async (after: string | null) => {
    try {
      const page = await getCalls({ state: "FAILED", failure_reason: reason, limit: PAGE_CALLS, after });
      setCalls((before) => (after ? merged(before ?? [], page.calls) : page.calls));
      setNext(page.next);
      setTrouble(null);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  };
  useEffect(() => {
    const readSoon = () => {
      timer.current ??= window.setTimeout(() => {
        timer.current = undefined;
        void read(null);
      }, AGAIN_MILLISECONDS);
    };
    const ends = [
      onFeed("call", (event) => {
        if (event.event === "call_failed" && event.detail.reason === reason) readSoon();
        else if (event.state !== "FAILED") setCalls((before) => before && gone(before, event.call_id));
      }),
      onFeed("snapshot", readSoon),
    ];
    void read(null);
    return () => {
      clearTimeout(timer.current);
      for (const end of ends) end();
    };
  }, [reason]);
  return { calls, more: next ? () => void read(next) : null, trouble };
}

function gone(calls: CallSummary[], callId: string): CallSummary[] {
  const left = calls.filter((call) => call.call_id !== callId);
  return left.length === calls.length ? calls : left;
}

function merged(before: CallSummary[], more: CallSummary[]): CallSummary[] {
  const known = new Set(before.map((call) => call.call_id));
  return [...before, ...more.filter((call) => !known.has(call.call_id))];
}
