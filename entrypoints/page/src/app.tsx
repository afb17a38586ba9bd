import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentType } from "preact";
import { CallsPage } from "./calls_page";
import { connection, heardAt } from "./feed";
import { counts, overview } from "./figures";
import { FailuresPage } from "./failures_page";
import { Banner } from "./banner";
import { Logo } from "./icons";
import { said, say } from "./announcer";
import { callLink, type Route, route } from "./route";
import { clock } from "./times";
import { plural } from "./words";

export function App() {
  const here = route.value;
  const main = useRef<HTMLElement>(null);
  const shown = useRef(here);
  useEffect(() => {
    document.title = `${title(here)} · Trunkline`;
    const before = shown.current;
    shown.current = here;
    if (main.current && key(before) !== key(here)) arrive(main.current, before);
  }, [key(here)]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <Header here={here} />
      <Banners />
      <main id="main" tabIndex={-1} ref={main}>
        {here.page === "calls" && <CallsPage here={here} />}
        {here.page === "call" && <LazyCallPage key={here.callId} callId={here.callId} />}
        {here.page === "failures" && <FailuresPage />}
      </main>
      <div class="unseen" role="status" aria-live="polite">
        {said.value}
      </div>
    </>
  );
}

/** At the top; or, from a call, where its link is in the list. */
function arrive(main: HTMLElement, before: Route): void {
  const link = before.page === "call" && main.querySelector<HTMLElement>(`a[href="${callLink(before.callId)}"]`);
  if (link) link.scrollIntoView({ block: "center" });
  else window.scrollTo(0, 0);
  (link || main).focus({ preventScroll: true });
}

const key = (here: Route) => (here.page === "call" ? here.callId : here.page);
const title = (here: Route) =>
  here.page === "call" ? here.callId : { calls: "Calls", failures: "Failures" }[here.page];

function Header({ here }: { here: Route }) {
  const failed = counts.value?.FAILED ?? 0;
  return (
    <header class="top">
      <div class="inner">
        <a class="brand" href="#/" aria-label="Trunkline">
          <Logo />
          <span>Trunkline</span>
        </a>
        <nav aria-label="Main">
          <a href="#/" aria-current={here.page === "failures" ? undefined : here.page === "calls" ? "page" : "true"}>
            Calls
          </a>
          <a href="#/failures" aria-current={here.page === "failures" ? "page" : undefined}>
            Failures
            {failed > 0 && <span class="badge bad">{failed.toLocaleString("en")}</span>}
          </a>
          <a href="/docs" class="wide">
            API
          </a>
        </nav>
        <ConnectionMark />
      </div>
    </header>
  );
}

function ConnectionMark() {
  const words = { connecting: "Connecting", live: "Connected", lost: "Disconnected" }[connection.value];
  return (
    <span class={`connection ${connection.value}`} data-connection={connection.value}>
      <i aria-hidden="true" />
      {words}
    </span>
  );
}

/** Those of something that begins or ends are said when it does, and not with every figure in them. */
function Banners() {
  const latest = overview.value;
  const lost = connection.value === "lost";
  const degraded = latest?.durability === "degraded";
  const away = !lost && degraded;
  const unset = !lost && latest?.ai.configured === false;
  useSaid(lost, LOST, "Connected again.");
  useSaid(degraded, AWAY, "The database is back.");
  if (!lost && !away && !unset) return null;
  return (
    <section class="banners" aria-label="Notices">
      {lost && (
        <Banner kind="bad" title={LOST}>
          {heardAt.value ? `What you see is as of ${clock(heardAt.value)}.` : "Nothing was heard from the service yet."}
        </Banner>
      )}
      {away && (
        <Banner kind="warn" title={AWAY}>
          Calls are still taken, and kept on this machine&rsquo;s disk
          {latest.spooled_requests > 0 && ` (${plural(latest.spooled_requests, "request")} so far)`} until it is back.
          Until then the list shows what was last known.
        </Banner>
      )}
      {unset && (
        <Banner kind="info" title="No AI service is set.">
          Calls are taken and kept, and wait when they are over. Set <code>TRUNKLINE_AI_BASE_URL</code> and restart.
        </Banner>
      )}
    </section>
  );
}

const LOST = "Disconnected. Trying again by itself.";
const AWAY = "The database is away.";

function useSaid(is: boolean, begins: string, ends: string): void {
  const was = useRef(false);
  useEffect(() => {
    if (is !== was.current) say(is ? begins : ends);
    was.current = is;
  }, [is]);
}

/** What a call needs, wavesurfer above all, is loaded with the first call that is looked at. */
function LazyCallPage({ callId }: { callId: string }) {
  const [Page, setPage] = useState<ComponentType<{ callId: string }> | null>(null);
  const [trouble, setTrouble] = useState(false);
  useEffect(() => {
    import("./call_page").then(
      (module) => setPage(() => module.CallPage),
      () => setTrouble(true),
    );
  }, []);
  if (trouble) return <Banner kind="bad" title="This part of the page could not be loaded.">Reload the page.</Banner>;
  return Page ? <Page callId={callId} /> : <p class="quiet pad">Loading…</p>;
}
