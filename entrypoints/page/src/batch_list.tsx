import { useEffect } from "preact/hooks";
import { batches, followBatches } from "./batches";
import { clock, whole } from "./times";
import type { Batch } from "./wire";
import { plural, reasonName } from "./words";

export function Batches() {
  useEffect(followBatches, []);
  if (batches.value.length === 0) return null;
  return (
    <section class="batches" aria-label="What is being reprocessed">
      {batches.value.map((batch) => (
        <Progress key={batch.batch_id} batch={batch} />
      ))}
    </section>
  );
}

function Progress({ batch }: { batch: Batch }) {
  const { total, done, refused, finished } = batch;
  return (
    <div class={`card batch ${finished ? "finished" : ""}`} data-finished={finished}>
      <p>
        <strong>{named(batch)}</strong>
        <span>
          {finished ? "Taken up again: " : ""}
          {done.toLocaleString("en")} of {plural(total, "call")}
          {refused > 0 && `, ${refused.toLocaleString("en")} not possible`}
        </span>
        <time dateTime={batch.created_at} title={whole(batch.created_at)}>
          {clock(batch.created_at)}
        </time>
      </p>
      <progress max={total || 1} value={finished ? total || 1 : done + refused} aria-label={`Reprocessing: ${named(batch)}`} />
    </div>
  );
}

function named({ all_failed, failure_reason, total }: Batch): string {
  if (all_failed) return "All that failed";
  return failure_reason ? reasonName(failure_reason) : plural(total, "chosen call");
}
