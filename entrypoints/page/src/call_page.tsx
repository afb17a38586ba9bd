import { useMemo, useRef, useState } from "preact/hooks";
import { say } from "./announcer";
import { audioPath, detailsPath, getCall, type Refused, reprocessCall } from "./api";
import { Banner } from "./banner";
import { Empty } from "./empty";
import { now } from "./figures";
import { Again, Back, Download } from "./icons";
import { progressed, progressOf } from "./live";
import { Playback } from "./playback";
import { Player } from "./player";
import { useFollowed } from "./reader";
import { lastPlace } from "./route";
import { StateMark } from "./state_mark";
import { Streams } from "./streams";
import { clock, position, whole } from "./times";
import { Timeline } from "./timeline";
import { Transcript } from "./transcript";
import type { CallDetails } from "./wire";
import { isAudio, lengthOf, mediaText, parties, reasonMeaning, reasonName, takesPackets } from "./words";

const APART_MILLISECONDS = 400;

export function CallPage({ callId }: { callId: string }) {
  const { answer: call, trouble } = useFollowed(
    callId,
    () => getCall(callId),
    (event) => event.call_id === callId,
    APART_MILLISECONDS,
  );
  return call ? <Call call={call} trouble={trouble} /> : <NoCall callId={callId} trouble={trouble} />;
}

function NoCall({ callId, trouble }: { callId: string; trouble: Refused | null }) {
  return (
    <>
      <header class="call-head">
        <BackLink />
        <h1>{callId}</h1>
      </header>
      {trouble?.status === 404 ? (
        <Empty title="There is no such call">
          <p>Should it begin, it appears here by itself.</p>
        </Empty>
      ) : trouble ? (
        <Banner kind="bad" title="The call could not be read.">
          {trouble.message}
        </Banner>
      ) : (
        <p class="quiet pad">Loading…</p>
      )}
    </>
  );
}

function BackLink() {
  const { link, name } = lastPlace();
  return (
    <a class="back" href={link}>
      <Back /> {name}
    </a>
  );
}

function Call({ call, trouble }: { call: CallDetails; trouble: Refused | null }) {
  const playback = useMemo(() => new Playback(), []);
  return (
    <article class="call" aria-labelledby="call-id">
      <CallHead call={call} playback={playback} />
      {trouble && (
        <Banner kind="warn" title="This may be old.">
          {trouble.message}
        </Banner>
      )}
      {call.failure && (
        <Banner kind="bad" title={`${reasonName(call.failure.reason)}.`}>
          {reasonMeaning(call.failure.reason)} <span class="said">{call.failure.detail}</span>
        </Banner>
      )}
      <div class="columns">
        <div class="wide-column">
          {isAudio(call) && <Player call={call} playback={playback} />}
          <Conclusion call={call} />
          <Transcript call={call} playback={playback} />
        </div>
        <div class="narrow-column">
          <Timeline call={call} />
          <LiveStreams call={call} />
          <Facts call={call} />
        </div>
      </div>
    </article>
  );
}

function CallHead({ call, playback }: { call: CallDetails; playback: Playback }) {
  progressed.value;
  const who = parties(call);
  const heard = progressOf(call)?.duration_seconds;
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <header class="call-head">
      <BackLink />
      <div class="line">
        <h1 id="call-id" tabIndex={-1} ref={heading}>
          {call.call_id}
        </h1>
        <StateMark state={call.state} large />
        <span class="space" />
        <Actions call={call} playback={playback} taken={() => heading.current?.focus()} />
      </div>
      <p class="facts">
        {who && <span class="who">{who}</span>}
        <time dateTime={call.started_at} title={whole(call.started_at)}>
          {clock(call.started_at)}
        </time>
        <span>{heard ? position(heard) : lengthOf(call, now.value)}</span>
        <span>{mediaText(call)}</span>
      </p>
    </header>
  );
}

interface ActionProperties {
  call: CallDetails;
  playback: Playback;
  /** The button that was pressed goes away then. */
  taken: () => void;
}

function Actions({ call, playback, taken }: ActionProperties) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const reprocess = async () => {
    if (busy) return;
    setBusy(true);
    setTrouble(null);
    try {
      await reprocessCall(call.call_id);
      say("The call is processed again.");
      taken();
    } catch (error) {
      setTrouble((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const settled = call.state === "FAILED" || call.state === "ARCHIVED";
  return (
    <div class="actions">
      {trouble && (
        <span class="trouble" role="alert">
          {trouble}
        </span>
      )}
      {settled && (
        <button type="button" class={call.state === "FAILED" ? "main" : ""} aria-disabled={busy} onClick={() => void reprocess()}>
          <Again /> Reprocess
        </button>
      )}
      {isAudio(call) && playback.isThere.value && (
        <a class="button" href={audioPath(call.call_id)} download={`${call.call_id}.wav`}>
          <Download /> WAV
        </a>
      )}
      <a class="button" href={detailsPath(call.call_id)} download={`${call.call_id}.json`}>
        <Download /> JSON
      </a>
    </div>
  );
}

function Conclusion({ call }: { call: CallDetails }) {
  if (!call.summary && !call.sentiment) return null;
  return (
    <section class="card conclusion" aria-label="Summary and sentiment">
      <h2>Summary</h2>
      <p class="words">{call.summary}</p>
      {call.sentiment && <Sentiment label={call.sentiment.label} score={call.sentiment.score} />}
    </section>
  );
}

function Sentiment({ label, score }: { label: string; score: number }) {
  const signed = `${score > 0 ? "+" : score < 0 ? "−" : ""}${Math.abs(score).toFixed(2)}`;
  return (
    <div class="mood">
      <span class={`sentiment ${label}`}>{label}</span>
      <span class="scale" aria-hidden="true">
        <i style={{ left: `${50 + score * 50}%` }} class={label} />
      </span>
      <span class="score">
        <span class="unseen">Score from −1 to 1: </span>
        {signed}
      </span>
    </div>
  );
}

function LiveStreams({ call }: { call: CallDetails }) {
  progressed.value;
  return <Streams streams={progressOf(call)?.streams ?? call.streams} mayCome={takesPackets(call)} />;
}

function Facts({ call }: { call: CallDetails }) {
  const { from, to, ...rest } = call.metadata;
  const told = Object.entries({ from, to, ...rest }).filter(([, value]) => value !== undefined);
  return (
    <section class="card metadata" aria-label="What the PBX told">
      <h2>What the PBX told</h2>
      {told.length === 0 && <p class="quiet">Nothing about this call.</p>}
      <dl>
        {told.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
