import { useEffect, useRef } from "preact/hooks";
import { useComputed } from "@preact/signals";
import type { Playback } from "./playback";
import { position } from "./times";
import type { CallDetails } from "./wire";
import { isAudio } from "./words";

export function Transcript({ call, playback }: { call: CallDetails; playback: Playback }) {
  return (
    <section class="card transcript" aria-label="Transcript">
      <h2>Transcript</h2>
      {call.segments.length > 0 ? <Segments call={call} playback={playback} /> : <Plain call={call} />}
    </section>
  );
}

function Plain({ call }: { call: CallDetails }) {
  if (call.transcript) {
    return (
      <div class="plain" tabIndex={0} role="group" aria-label="Words">
        {call.transcript.split("\n").map((line, at) => (
          <p key={at}>{line}</p>
        ))}
      </div>
    );
  }
  return <p class="quiet">{absence(call)}</p>;
}

function absence(call: CallDetails): string {
  if (call.transcript_reason) return `There are no words: ${call.transcript_reason}.`;
  if (call.state === "IN_PROGRESS") return "It comes when the call is over.";
  if (call.state === "FAILED") return "The AI did not get so far.";
  return "The AI has not transcribed it yet.";
}

/** Follows the player; a click on a time goes there. */
function Segments({ call, playback }: { call: CallDetails; playback: Playback }) {
  const list = useRef<HTMLOListElement>(null);
  const spoken = useComputed(() => {
    const seconds = playback.seconds.value;
    return seconds > 0 ? call.segments.findLastIndex((segment) => segment.start_seconds <= seconds + 0.05) : -1;
  }).value;
  useEffect(() => {
    const box = list.current;
    const line = box?.children[spoken];
    if (!box || !(line instanceof HTMLElement) || !playback.playing.peek()) return;
    const top = line.offsetTop; // the box is what it is measured from
    if (top < box.scrollTop || top + line.offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTo({ top: top - box.clientHeight / 3 });
    }
  }, [spoken]);
  const several = call.segments.some((segment) => segment.stream !== call.segments[0]?.stream);
  // In the colours of the waveform's lanes, which are in the same order.
  const lane = new Map(call.streams.map(({ stream }, at) => [stream, at]));
  const canSeek = isAudio(call) && playback.seek.value !== null;
  return (
    <ol class="segments" ref={list} tabIndex={0} aria-label="Sentences with their times">
      {call.segments.map((segment, at) => (
        <li
          key={at}
          class={(lane.get(segment.stream) ?? 0) % 2 ? "second" : ""}
          aria-current={at === spoken ? "true" : undefined}
        >
          <button
            type="button"
            disabled={!canSeek}
            aria-label={`Go to ${position(segment.start_seconds)}`}
            onClick={() => playback.seek.value?.(segment.start_seconds)}
          >
            {position(segment.start_seconds)}
          </button>
          <p>
            {several && <span class="speaker">{segment.stream}</span>}
            {segment.text}
          </p>
        </li>
      ))}
    </ol>
  );
}
