import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { say } from "./announcer";
import { getCalls, reprocessCall } from "./api";
import { choose, chosen, openGroup, openGroups } from "./chosen";
import { onFeed } from "./feed";
import { focusOnContent } from "./focus";
import { Again } from "./icons";
import { useFollowed } from "./reader";
import { callLink } from "./route";
import { clock, whole } from "./times";
import type { CallList, CallSummary, FailureGroup } from "./wire";
import { parties, plural, reasonMeaning, reasonName } from "./words";

const PAGE_CALLS = 50;
const MOST_CALLS_OF_AN_ANSWER = 500;
const APART_MILLISECONDS = 1_000;

export function FailureGroupCard({ group, reprocess }: { group: FailureGroup; reprocess: () => void }) {
  const open = openGroups.value.has(group.reason);
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
      <button type="button" class="plain disclose" aria-expanded={open} onClick={() => openGroup(group.reason, !open)}>
        {open ? "Hide" : "Show"} {group.count === 1 ? "the call" : `the ${plural(group.count, "call")}`}
      </button>
      {open && <FailedCalls reason={group.reason} />}
    </section>
  );
}

function FailedCalls({ reason }: { reason: string }) {
  const { calls, more, trouble } = useFailedCalls(reason);
  if (!calls) return <p class="quiet">{trouble?.message ?? "Loading…"}</p>;
  const all = calls.length > 0 && calls.every((call) => chosen.value.has(call.call_id));
  return (
    <>
      <label class="all">
        <input
          type="checkbox"
          checked={all}
          onChange={(event) => choose(calls.map((call) => call.call_id), event.currentTarget.checked)}
        />
        {calls.length === 1 ? "Choose it" : `Choose all ${calls.length.toLocaleString("en")} shown`}
      </label>
      <ul class="failed-calls">
        {calls.map((call) => (
          <FailedCall key={call.call_id} call={call} />
        ))}
      </ul>
      {trouble && <p class="trouble">{trouble.message}</p>}
      {more && (
        <button type="button" onClick={more}>
          Show older
        </button>
      )}
    </>
  );
}

function FailedCall({ call }: { call: CallSummary }) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const row = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => () => handFocusOn(row.current), []);
  const reprocess = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await reprocessCall(call.call_id);
      say(`${call.call_id} is processed again.`);
    } catch (error) {
      setTrouble((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <li data-call={call.call_id} ref={row}>
      <input
        type="checkbox"
        aria-label={`Choose ${call.call_id}`}
        checked={chosen.value.has(call.call_id)}
        onChange={(event) => choose([call.call_id], event.currentTarget.checked)}
      />
      <div>
        <a href={callLink(call.call_id)}>{call.call_id}</a> <span class="who">{parties(call)}</span>
        <p class="said">{trouble ?? call.failure?.detail}</p>
      </div>
      <time dateTime={call.started_at} title={whole(call.started_at)}>
        {clock(call.started_at)}
      </time>
      <button
        type="button"
        aria-label={`Reprocess ${call.call_id}`}
        aria-disabled={busy}
        onClick={() => void reprocess()}
      >
        <Again /> <span class="wide">Reprocess</span>
      </button>
    </li>
  );
}

/** A row that leaves while the focus is in it: one goes on with its neighbour. */
function handFocusOn(row: HTMLElement | null): void {
  if (!row?.contains(document.activeElement)) return;
  const neighbour = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("button");
  if (neighbour) neighbour.focus();
  else focusOnContent();
}

/** As far as they were asked for; those that are taken up again leave at once. */
function useFailedCalls(reason: string) {
  const wanted = useRef(PAGE_CALLS);
  const { answer, setAnswer, trouble, readNow } = useFollowed(
    reason,
    () => newestFailed(reason, wanted.current),
    ({ event, detail }) => event === "reprocess_requested" || (event === "call_failed" && detail.reason === reason),
    APART_MILLISECONDS,
  );
  useEffect(
    () =>
      onFeed("call", (event) => {
        if (event.state !== "FAILED") setAnswer((before) => before && without(before, event.call_id));
      }),
    [],
  );
  const more = () => {
    wanted.current += PAGE_CALLS;
    readNow();
  };
  return { calls: answer?.calls, more: answer?.next ? more : null, trouble };
}

async function newestFailed(reason: string, count: number): Promise<CallList> {
  const read: CallList = { calls: [], next: null };
  do {
    const limit = Math.min(count - read.calls.length, MOST_CALLS_OF_AN_ANSWER);
    const page = await getCalls({ state: "FAILED", failure_reason: reason, limit, after: read.next });
    read.calls.push(...page.calls);
    read.next = page.next;
  } while (read.next && read.calls.length < count);
  return read;
}

function without(list: CallList, callId: string): CallList {
  const calls = list.calls.filter((call) => call.call_id !== callId);
  return calls.length === list.calls.length ? list : { ...list, calls };
}
