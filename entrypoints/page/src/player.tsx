import { useEffect, useRef, useState } from "preact/hooks";
import { audioPath, getAudio, getWaveform } from "./api";
import { Banner } from "./banner";
import { Pause, Play } from "./icons";
import type { Playback } from "./playback";
import { position } from "./times";
import { drawWaveform, type DrawnWaveform, LANE_HEIGHT } from "./waveform";
import type { CallDetails, Waveform } from "./wire";

const STEP_SECONDS = 5;
const SPEEDS = [1, 1.25, 1.5, 2];

/** Of a call that goes on, what has arrived is drawn when somebody asks for it. */
export function Player({ call, playback }: { call: CallDetails; playback: Playback }) {
  const live = call.state === "IN_PROGRESS";
  const [asked, setAsked] = useState(0);
  const [waveform, setWaveform] = useState<Waveform | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  // Packets may still come late when the call is over.
  const received = live ? 0 : call.streams.reduce((sum, stream) => sum + stream.received, 0);
  useEffect(() => {
    if (live && !asked) return;
    getWaveform(call.call_id).then(
      (drawn) => (setWaveform(drawn), setTrouble(null)),
      (error: Error) => setTrouble(error.message),
    );
  }, [call.call_id, live, asked, received]);
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
        <Banner kind="warn" title="There is nothing to hear.">
          {trouble}
        </Banner>
      )}
      {waveform && waveform.duration_seconds > 0 && <Recording call={call} waveform={waveform} playback={playback} />}
      {live && !waveform && !trouble && <p class="quiet">The call is going on. Its recording grows as packets come.</p>}
    </section>
  );
}

interface Properties {
  call: CallDetails;
  waveform: Waveform;
  playback: Playback;
}

function Recording({ call, waveform, playback }: Properties) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnWaveform | null>(null);
  const loaded = useRef<string | null>(null);
  const [stream, setStream] = useState("");
  const [speed, setSpeed] = useState(1);
  const [loading, setLoading] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const gone = useRef(false);

  useEffect(() => {
    if (!box.current) return;
    const made = drawWaveform(box.current, waveform);
    drawn.current = made;
    loaded.current = null;
    gone.current = false;
    made.surfer.on("timeupdate", (seconds) => (playback.seconds.value = seconds));
    made.surfer.on("play", () => (playback.playing.value = true));
    made.surfer.on("pause", () => (playback.playing.value = false));
    made.surfer.on("finish", () => (playback.playing.value = false));
    playback.seek.value = (seconds) => made.surfer.setTime(Math.min(seconds, waveform.duration_seconds));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", made.paint);
    return () => {
      gone.current = true;
      dark.removeEventListener("change", made.paint);
      playback.seek.value = null;
      playback.playing.value = false;
      made.destroy();
    };
  }, [waveform]);

  const load = async (wanted: string) => {
    const surfer = drawn.current?.surfer;
    if (!surfer || loaded.current === wanted) return;
    setLoading(true);
    try {
      const at = playback.seconds.value;
      const audio = await getAudio(audioPath(call.call_id, wanted || undefined));
      if (gone.current) return;
      await surfer.loadBlob(audio, waveform.streams.map(({ peaks }) => peaks), waveform.duration_seconds);
      loaded.current = wanted;
      surfer.setPlaybackRate(speed);
      surfer.setTime(at);
    } finally {
      setLoading(false);
    }
  };
  const toggle = async () => {
    const surfer = drawn.current?.surfer;
    if (!surfer) return;
    if (surfer.isPlaying()) return surfer.pause();
    try {
      setTrouble(null);
      await load(stream);
      if (!gone.current) await surfer.play();
    } catch (error) {
      setTrouble((error as Error).message);
    }
  };
  const choose = async (wanted: string) => {
    const surfer = drawn.current?.surfer;
    setStream(wanted);
    if (!surfer || loaded.current === null) return;
    const playing = surfer.isPlaying();
    surfer.pause();
    try {
      await load(wanted);
      if (playing && !gone.current) await surfer.play();
    } catch (error) {
      setTrouble((error as Error).message);
    }
  };
  const chooseSpeed = (wanted: number) => {
    setSpeed(wanted);
    drawn.current?.surfer.setPlaybackRate(wanted);
  };
  const step = (event: KeyboardEvent) => {
    const seconds = playback.seconds.value;
    const to = {
      ArrowLeft: seconds - STEP_SECONDS,
      ArrowDown: seconds - STEP_SECONDS,
      ArrowRight: seconds + STEP_SECONDS,
      ArrowUp: seconds + STEP_SECONDS,
      Home: 0,
      End: waveform.duration_seconds,
    }[event.key];
    if (event.key === " ") void toggle();
    else if (to !== undefined) playback.seek.value?.(Math.max(0, Math.min(to, waveform.duration_seconds)));
    else return;
    event.preventDefault();
  };

  const playing = playback.playing.value;
  const seconds = playback.seconds.value;
  const gaps = waveform.streams.reduce((sum, { gaps }) => sum + gaps.length, 0);
  return (
    <>
      <div
        class="wave"
        role="slider"
        tabIndex={0}
        aria-label="Place in the recording"
        aria-valuemin={0}
        aria-valuemax={Math.round(waveform.duration_seconds)}
        aria-valuenow={Math.round(seconds)}
        aria-valuetext={`${position(seconds)} of ${position(waveform.duration_seconds)}`}
        onKeyDown={step}
      >
        <div class="lanes" ref={box} />
        {waveform.streams.map(({ stream: name }, at) => (
          <span class="lane" key={name} style={{ top: `${at * LANE_HEIGHT + 4}px` }}>
            {name}
          </span>
        ))}
      </div>
      <div class="controls">
        <button type="button" class="main" onClick={() => void toggle()} disabled={loading} data-playing={playing}>
          {playing ? <Pause /> : <Play />}
          {loading ? "Loading…" : playing ? "Pause" : "Play"}
        </button>
        <span class="position">
          {position(seconds)} <small>of {position(waveform.duration_seconds)}</small>
        </span>
        {gaps > 0 && (
          <span class="gap-key">
            <i aria-hidden="true" /> packets missing
          </span>
        )}
        <span class="space" />
        {waveform.streams.length > 1 && (
          <label>
            Hear
            <select value={stream} onChange={(event) => void choose(event.currentTarget.value)}>
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
          <select value={speed} onChange={(event) => chooseSpeed(Number(event.currentTarget.value))}>
            {SPEEDS.map((value) => (
              <option key={value} value={value}>
                {value} ×
              </option>
            ))}
          </select>
        </label>
      </div>
      {trouble && (
        <Banner kind="bad" title="It could not be played.">
          {trouble}
        </Banner>
      )}
    </>
  );
}
