import { position } from "./times";
import type { Stream } from "./wire";
import { gapText, missingCount } from "./words";

/** `mayCome`: whether the call takes packets yet. */
export function Streams({ streams, mayCome }: { streams: Stream[]; mayCome: boolean }) {
  return (
    <section class="card streams" aria-label="Streams">
      <h2>Streams</h2>
      {streams.length === 0 && <p class="quiet">{mayCome ? "No packet has come yet." : "No packet came."}</p>}
      <ul>
        {streams.map((stream) => {
          const missing = missingCount(stream.missing);
          return (
            <li key={stream.stream} data-stream={stream.stream}>
              <p>
                <strong>{stream.stream}</strong>
                <span>{stream.duration_seconds ? position(stream.duration_seconds) : ""}</span>
              </p>
              <dl>
                <div>
                  <dt>Received</dt>
                  <dd>{stream.received.toLocaleString("en")}</dd>
                </div>
                <div class={missing ? "bad" : ""}>
                  <dt>Missing</dt>
                  <dd>{missing.toLocaleString("en")}</dd>
                </div>
                <div>
                  <dt>Duplicates</dt>
                  <dd>{stream.duplicates.toLocaleString("en")}</dd>
                </div>
              </dl>
              {missing > 0 && <p class="gaps">Missing: {stream.missing.map(gapText).join(", ")}</p>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
