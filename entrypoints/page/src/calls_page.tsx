import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Banner } from "./banner";
import { CallTable } from "./call_table";
import { NoCalls } from "./empty";
import { counts } from "./figures";
import { FiguresPanel } from "./figures_panel";
import { Back, Forward, Search } from "./icons";
import { begun, calls, changing, cursors, following, newer, newest, older, PAGE_CALLS, trouble } from "./list";
import { callsLink, replaceRoute, route, type Route } from "./route";
import { STATES } from "./wire";
import { plural, STATE_NAMES } from "./words";

type Here = Extract<Route, { page: "calls" }>;

export function CallsPage({ here }: { here: Here }) {
  return (
    <>
      <h1 class="unseen">Calls</h1>
      <FiguresPanel />
      <section class="list" aria-label="List of calls">
        <div class="tools">
          <StateFilter here={here} />
          <SearchField here={here} />
        </div>
        {trouble.value && (
          <Banner kind="bad" title="The list could not be read.">
            {trouble.value}
          </Banner>
        )}
        <List here={here} />
      </section>
    </>
  );
}

function StateFilter({ here }: { here: Here }) {
  const known = counts.value;
  const all = known && STATES.reduce((sum, state) => sum + known[state], 0);
  return (
    <nav class="filter" aria-label="Show calls by state">
      <a href={callsLink(null, here.search)} aria-current={here.state === null ? "true" : undefined}>
        All <span class="count">{all?.toLocaleString("en") ?? ""}</span>
      </a>
      {STATES.map((state) => (
        <a
          key={state}
          class={state}
          href={callsLink(state, here.search)}
          aria-current={here.state === state ? "true" : undefined}
        >
          <i aria-hidden="true" />
          {STATE_NAMES[state]} <span class="count">{known?.[state].toLocaleString("en") ?? ""}</span>
        </a>
      ))}
    </nav>
  );
}

const DEBOUNCE_MILLISECONDS = 250;

function SearchField({ here }: { here: Here }) {
  const [text, setText] = useState(here.search);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (timer.current === undefined && text.trim() !== here.search) setText(here.search);
  }, [here.search]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const search = (words: string, wait: number) => {
    setText(words);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      timer.current = undefined;
      const current = route.peek(); // the filter may be another by now
      if (current.page === "calls") replaceRoute(callsLink(current.state, words.trim()));
    }, wait);
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search(text, 0);
      }}
    >
      <Search />
      <input
        type="search"
        aria-label="Search calls"
        placeholder="Search id, number or words said"
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => search(event.currentTarget.value, DEBOUNCE_MILLISECONDS)}
      />
    </form>
  );
}

function List({ here }: { here: Here }) {
  const rows = calls.value;
  if (rows === null) return trouble.value ? null : <p class="quiet pad">Loading…</p>;
  if (rows.length === 0 && cursors.value.length === 0) return <NoCalls here={here} />;
  return (
    <div class={changing.value ? "changing" : ""} aria-busy={changing.value}>
      <CallTable calls={rows} />
      <Pager shown={rows.length} />
    </div>
  );
}

function Pager({ shown }: { shown: number }) {
  const page = cursors.value.length;
  const from = page * PAGE_CALLS + 1;
  const places = [from, from + shown - 1].map((place) => place.toLocaleString("en"));
  return (
    <nav class="pager" aria-label="Pages of the list">
      <p>
        {shown ? `${[...new Set(places)].join("–")}, newest first` : "Nothing older"}
        {begun.value > 0 && ` · ${plural(begun.value, "call")} began since`}
      </p>
      <Turn to={newest} can={page > 0}>
        Newest
      </Turn>
      <Turn to={newer} can={page > 0}>
        <Back /> Newer
      </Turn>
      <Turn to={older} can={following.value !== null}>
        Older <Forward />
      </Turn>
    </nav>
  );
}

interface TurnProperties {
  to: () => void;
  can: boolean;
  children: ComponentChildren;
}

/** It stays, and keeps the focus, also where it leads nowhere. */
function Turn({ to, can, children }: TurnProperties) {
  const turn = (button: HTMLElement) => {
    to();
    button.closest(".list")?.scrollIntoView();
  };
  return (
    <button type="button" aria-disabled={!can} onClick={(event) => can && turn(event.currentTarget)}>
      {children}
    </button>
  );
}
