import { useEffect, useRef, useState } from "preact/hooks";
import { getFailures, Refused, type WhatToReprocess } from "./api";
import { Banner } from "./banner";
import { Batches } from "./batch_list";
import { Empty } from "./empty";
import { FailureGroupCard } from "./failure_group";
import { onFeed } from "./feed";
import { Again } from "./icons";
import { ReprocessDialog, type Request } from "./reprocess_dialog";
import type { FailureGroup } from "./wire";
import { plural, reasonName } from "./words";

const AGAIN_MILLISECONDS = 1_000;

export function FailuresPage() {
  const { groups, trouble } = useFailures();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [request, setRequest] = useState<Request | null>(null);
  const total = groups?.reduce((sum, group) => sum + group.count, 0) ?? 0;
  const ask = (what: WhatToReprocess, named: string, count: number) => setRequest({ what, named, count });
  const choose = (callId: string, yes: boolean) => {
    const next = new Set(chosen);
    if (yes) next.add(callId);
    else next.delete(callId);
    setChosen(next);
  };
  useEffect(
    () =>
      onFeed("call", (event) => {
        if (event.state !== "FAILED") setChosen((before) => without(before, event.call_id));
      }),
    [],
  );
  return (
    <div class="failures">
      <header class="page-head">
        <h1>Failures</h1>
        <span class="space" />
        {total > 0 && (
          <button type="button" onClick={() => ask({ all_failed: true }, "All that failed", total)}>
            <Again /> Reprocess all {total.toLocaleString("en")}
          </button>
        )}
      </header>
      <Batches />
      {trouble && (
        <Banner kind="bad" title="The failures could not be read.">
          {trouble.message}
        </Banner>
      )}
      {groups?.length === 0 && (
        <Empty title="Nothing failed">
          <p>A call whose processing fails for good is listed here with its reason, to be reprocessed.</p>
        </Empty>
      )}
      {!groups && !trouble && <p class="quiet pad">Loading…</p>}
      {groups?.map((group) => (
        <FailureGroupCard
          key={group.reason}
          group={group}
          chosen={chosen}
          choose={choose}
          reprocess={() => ask({ failure_reason: group.reason }, reasonName(group.reason), group.count)}
        />
      ))}
      {chosen.size > 0 && (
        <div class="chosen" role="region" aria-label="Chosen calls">
          <span>{plural(chosen.size, "call")} chosen</span>
          <button type="button" class="plain" onClick={() => setChosen(new Set())}>
            Clear
          </button>
          <button
            type="button"
            class="main"
            onClick={() => ask({ call_ids: [...chosen] }, plural(chosen.size, "chosen call"), chosen.size)}
          >
            <Again /> Reprocess chosen
          </button>
        </div>
      )}
      {request && (
        <ReprocessDialog
          request={request}
          close={(begun) => {
            setRequest(null);
            if (begun) setChosen(new Set());
          }}
        />
      )}
    </div>
  );
}

function without(chosen: ReadonlySet<string>, callId: string): ReadonlySet<string> {
  if (!chosen.has(callId)) return chosen;
  const next = new Set(chosen);
  next.delete(callId);
  return next;
}

/** Read again when a call fails or is taken up again; once a second at most. */
function useFailures() {
  const [groups, setGroups] = useState<FailureGroup[] | null>(null);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    let gone = false;
    const read = async () => {
      timer.current = undefined;
      try {
        const found = await getFailures();
        if (!gone) {
          setGroups(found.groups);
          setTrouble(null);
        }
      } catch (error) {
        if (!gone) {
          setTrouble(error as Refused);
          readSoon();
        }
      }
    };
    const readSoon = () => {
      timer.current ??= window.setTimeout(() => void read(), AGAIN_MILLISECONDS);
    };
    const ends = [
      onFeed("call", (event) => {
        if (event.event === "call_failed" || event.event === "reprocess_requested") readSoon();
      }),
      onFeed("snapshot", readSoon),
    ];
    void read();
    return () => {
      gone = true;
      clearTimeout(timer.current);
      for (const end of ends) end();
    };
  }, []);
  return { groups, trouble };
}
