import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { say } from "./announcer";
import { Copy } from "./icons";
import { callsLink, type Route } from "./route";
import { STATE_MEANINGS, STATE_NAMES } from "./words";

export function NoCalls({ here }: { here: Extract<Route, { page: "calls" }> }) {
  if (here.search) {
    return (
      <Empty title={`No call fits “${here.search}”`}>
        <p>Each word must begin a word of the call&rsquo;s id, of what the PBX told of it, or of the transcript.</p>
        <p>
          <a href={callsLink(here.state)}>Show all calls again</a>
        </p>
      </Empty>
    );
  }
  if (here.state) {
    return (
      <Empty title={`No call is in “${STATE_NAMES[here.state]}”`}>
        <p>{STATE_MEANINGS[here.state]}</p>
        <p>
          <a href={callsLink(null)}>Show all calls</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No calls yet">
      <p>They appear here as they begin. Point your PBX to this address, or place a first one by hand:</p>
      <Command text={firstCall()} />
      <p>
        The whole API is at <a href="/docs">/docs</a>.
      </p>
    </Empty>
  );
}

function firstCall(): string {
  const packet = { sequence: 1, data: "Hello, I would like to change my order.", timestamp: Math.floor(Date.now() / 1_000) };
  return [
    `curl ${location.origin}/v1/call/stream/hello-1 -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(packet)}' &&`,
    `curl -X POST ${location.origin}/v1/call/complete/hello-1`,
  ].join("\n");
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

function Command({ text }: { text: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      say("Copied.");
    } catch {
      // Only pages of a safe origin have a clipboard: then the line is marked, to be copied by hand.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
    }
  };
  return (
    <div class="command">
      <pre ref={shown} tabIndex={0} aria-label="Command line">
        {text}
      </pre>
      <button type="button" onClick={() => void copy()}>
        <Copy /> {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
