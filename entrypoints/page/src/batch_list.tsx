import { type Batch, batches, dismiss } from "./batches";
import { plural } from "./words";

export function Batches() {
  if (batches.value.length === 0) return null;
  return (
    <section class="batches" aria-label="What is being reprocessed">
      {batches.value.map((batch) => (
        <Progress key={batch.id} batch={batch} />
      ))}
    </section>
  );
}

function Progress({ batch }: { batch: Batch }) {
  const { total, done, refused, finished } = batch.progress ?? { total: batch.total, done: 0, refused: 0, finished: false };
  const looked = done + refused;
  return (
    <div class={`card batch ${finished ? "finished" : ""}`} data-finished={finished}>
      <p>
        <strong>{batch.what}</strong>
        <span>
          {finished ? "Taken up again: " : ""}
          {done.toLocaleString("en")} of {plural(total, "call")}
          {refused > 0 && `, ${refused.toLocaleString("en")} not possible`}
        </span>
        {finished && (
          <button type="button" class="plain" onClick={() => dismiss(batch.id)}>
            Dismiss
          </button>
        )}
      </p>
      <progress max={total || 1} value={finished ? total || 1 : looked} aria-label={`Reprocessing: ${batch.what}`} />
    </div>
  );
}
