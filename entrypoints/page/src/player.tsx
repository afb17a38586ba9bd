import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getWaveform, type Refused } from "./api";
import { Banner } from "./banner";
import { Pause, Play } from "./icons";
import type { Playback } from "./playback";
import { Reader } from "./reader";
import { Recording } from "./recording";
import { position } from "./times";
import { LANE_HEIGHT } from "./waveform";
import type { CallDetails, Waveform } from "./wire";
import { takesPackets } from "./words";

const STEP_SECONDS = 5;
const SPEEDS = [1, 1.25, 1.5, 2];

/** Of a call that goes on, what has arrived is drawn when somebody asks for it. */
export function Player({ call, playback }: { call: CallDetails; playback: Playback }) {
  const live = call.state === "IN_PROGRESS";
  const [asked, setAsked] = useState(0);
  playback.mayChange.value = takesPackets(call);
  const { waveform, trouble } = useWaveform(call, live, asked, playback);
  return (
    <section class="card player" aria-label="Recording">
      <header>
        <h2>Recording</h2>
        {live && (
          <button type="button" onClick={() => setAsked(asked + 1)}>
            {waveform ? "Take in what came since" : "Hear what has come so far"}
          </button>
        )}
      </header>
      {trouble && (
        <Banner kind="warn" title={trouble.mayPass ? "The recording could not be read." : "There is nothing to hear."}>
          {trouble.message}
        </Banner>
      )}
      {waveform && waveform.duration_seconds > 0 && <Heard call={call} waveform={waveform} playback={playback} />}
      {waveform?.duration_seconds === 0 && <p class="quiet">No sound has come.</p>}
      {!waveform && !trouble && (
        <p class="quiet">{live ? "The call is going on. Its recording grows as packets come." : "Loading…"}</p>
      )}
    </section>
  );
}

function useWaveform(call: CallDetails, live: boolean, asked: number, playback: Playback) {
  const [waveform, setWaveform] = useState<Waveform | null>(null);
  const [trouble, setTrouble] = useState<Refused | null>(null);
  // Packets may still come late when the call is over.
  const received = live ? 0 : call.streams.reduce((sum, stream) => sum + stream.received, 0);
  useEffect(() => {
    if (live && !asked) return;
    const told = (drawn: Waveform) => {
      setWaveform(drawn);
      setTrouble(null);
      playback.isThere.value = live || drawn.duration_seconds > 0;
    };
    const refused = (latest: Refused) => {
      setTrouble(latest);
      if (!latest.mayPass) playback.isThere.value = false;
    };
    const reader = new Reader(() => getWaveform(call.call_id), told, refused);
    reader.now();
    return () => reader.end();
  }, [call.call_id, live, asked, received]);
  return { waveform, trouble };
}

interface Properties {
  call: CallDetails;
  waveform: Waveform;
  playback: Playback;
}

function Heard({ call, waveform, playback }: Properties) {
  const box = useRef<HTMLDivElement>(null);
  const [recording, setRecording] = useState<Recording | null>(null);
  useEffect(() => {
    if (!box.current) return;
    const made = new Recording(box.current, call.call_id, waveform, playback);
    setRecording(made);
    return () => made.destroy();
  }, [waveform]);
  const toggle = () => void recording?.toggle();
  return (
    <>
      <Place waveform={waveform} playback={playback} toggle={toggle}>
        <div class="lanes" ref={box} />
      </Place>
      {recording && <Controls recording={recording} waveform={waveform} playback={playback} />}
      {recording?.trouble.value && (
        <Banner kind="bad" title="It could not be played.">
          {recording.trouble.value}
        </Banner>
      )}
    </>
  );
}

interface PlaceProperties extends Omit<Properties, "call"> {
  toggle: () => void;
  children: ComponentChildren;
}

/** The waveform, as a slider. */
function Place({ waveform, playback, toggle, children }: PlaceProperties) {
  const whole = waveform.duration_seconds;
  const seconds = playback.seconds.value;
  const press = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: seconds - STEP_SECONDS,
      ArrowDown: seconds - STEP_SECONDS,
      ArrowRight: seconds + STEP_SECONDS,
      ArrowUp: seconds + STEP_SECONDS,
      Home: 0,
      End: whole,
    }[event.key];
    if (event.key === " ") toggle();
    else if (to !== undefined) playback.seek.value?.(to);
    else return;
    event.preventDefault();
  };
  return (
    <div
      class="wave"
      role="slider"
      tabIndex={0}
      aria-label="Place in the recording"
      aria-valuemin={0}
      aria-valuemax={Math.round(whole)}
      aria-valuenow={Math.round(seconds)}
      aria-valuetext={`${position(seconds)} of ${position(whole)}`}
      onKeyDown={press}
    >
      <div class="lane-names">
        {waveform.streams.map(({ stream: name }) => (
          <span class="lane" key={name} title={name} style={{ height: `${LANE_HEIGHT}px` }}>
            <span>{name}</span>
          </span>
        ))}
      </div>
      {children}
    </div>
  );
}

interface ControlProperties extends Omit<Properties, "call"> {
  recording: Recording;
}

function Controls({ recording, waveform, playback }: ControlProperties) {
  const loading = recording.loading.value;
  const playing = playback.playing.value;
  const waits = loading || (playing && recording.stalled.value);
  return (
    <div class="controls">
      <button type="button" class="main" onClick={() => void recording.toggle()} aria-disabled={loading}>
        {playing ? <Pause /> : <Play />}
        {waits ? "Loading…" : playing ? "Pause" : "Play"}
      </button>
      <span class="position">
        {position(playback.seconds.value)} <small>of {position(waveform.duration_seconds)}</small>
      </span>
      {waveform.streams.some(({ gaps }) => gaps.length > 0) && (
        <span class="gap-key">
          <i aria-hidden="true" /> packets missing
        </span>
      )}
      <span class="space" />
      {waveform.streams.length > 1 && (
        <label>
          Hear
          <select value={playback.stream.value} onChange={(event) => void recording.hear(event.currentTarget.value)}>
            <option value="">all</option>
            {waveform.streams.map(({ stream: name }) => (
              <option key={name} value={name}>
                {name} alone
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        Speed
        <select value={playback.speed.value} onChange={(event) => recording.hurry(Number(event.currentTarget.value))}>
          {SPEEDS.map((value) => (
            <option key={value} value={value}>
              {value} ×
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
