import type { State } from "./wire";
import { STATE_MEANINGS, STATE_NAMES } from "./words";

export function StateMark({ state, large = false }: { state: State; large?: boolean }) {
  return (
    <span class={`state ${state} ${large ? "large" : ""}`} data-state={state} title={STATE_MEANINGS[state]}>
      <i aria-hidden="true" />
      {STATE_NAMES[state]}
    </span>
  );
}
