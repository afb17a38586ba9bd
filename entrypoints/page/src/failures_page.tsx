import { useState } from "preact/hooks";
import { getFailures, type WhatToReprocess } from "./api";
import { Banner } from "./banner";
import { Batches } from "./batch_list";
import { chooseNone, chosen } from "./chosen";
import { Empty } from "./empty";
import { FailureGroupCard } from "./failure_group";
import { focusOnContent } from "./focus";
import { Again } from "./icons";
import { useFollowed } from "./reader";
import { ReprocessDialog, type Request } from "./reprocess_dialog";
import type { CallEvent } from "./wire";
import { plural, reasonName } from "./words";

const APART_MILLISECONDS = 1_000;

export function FailuresPage() {
  const { answer, trouble } = useFollowed("failures", getFailures, changesThem, APART_MILLISECONDS);
  const [request, setRequest] = useState<Request | null>(null);
  const groups = answer?.groups;
  const total = groups?.reduce((sum, group) => sum + group.count, 0) ?? 0;
  const ask = (what: WhatToReprocess, named: string, count: number) => setRequest({ what, named, count });
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
          reprocess={() => ask({ failure_reason: group.reason }, reasonName(group.reason), group.count)}
        />
      ))}
      {chosen.value.size > 0 && <ChosenBar ask={ask} />}
      {request && (
        <ReprocessDialog
          request={request}
          close={(begun) => {
            setRequest(null);
            if (begun) showProgress();
          }}
        />
      )}
    </div>
  );
}

/** At the top; the button that was pressed may be gone. */
function showProgress(): void {
  chooseNone();
  window.scrollTo(0, 0);
  focusOnContent();
}

const changesThem = ({ event }: CallEvent) => event === "call_failed" || event === "reprocess_requested";

function ChosenBar({ ask }: { ask: (what: WhatToReprocess, named: string, count: number) => void }) {
  const callIds = [...chosen.value];
  return (
    <div class="chosen" role="region" aria-label="Chosen calls">
      <span>{plural(callIds.length, "call")} chosen</span>
      <button type="button" class="plain" onClick={() => (chooseNone(), focusOnContent())}>
        Clear
      </button>
      <button
        type="button"
        class="main"
        onClick={() => ask({ call_ids: callIds }, plural(callIds.length, "chosen call"), callIds.length)}
      >
        <Again /> Reprocess chosen
      </button>
    </div>
  );
}
