import { useEffect, useRef, useState } from "preact/hooks";
import { say } from "./announcer";
import type { WhatToReprocess } from "./api";
import { begin } from "./batches";
import { Again } from "./icons";
import { duration } from "./times";
import { plural } from "./words";

export interface Request {
  what: WhatToReprocess;
  named: string;
  count: number;
}

const RATES = [1, 5, 20, 100];
const USUAL_RATE = 5;

export function ReprocessDialog({ request, close }: { request: Request; close: (begun: boolean) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [rate, setRate] = useState(USUAL_RATE);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const start = async () => {
    setBusy(true);
    try {
      await begin(request.what, rate);
      say(`Reprocessing of ${plural(request.count, "call")} has begun.`);
      dialog.current?.close();
      close(true);
    } catch (error) {
      setTrouble((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="reprocess-title" onCancel={() => close(false)}>
      <h2 id="reprocess-title">Reprocess {plural(request.count, "call")}?</h2>
      <p>
        {request.named}. Each goes to the AI again; the work goes on by itself, also when this page is closed or the
        service restarted.
      </p>
      <fieldset>
        <legend>How many a second</legend>
        <div class="rates">
          {RATES.map((value) => (
            <label key={value}>
              <input type="radio" name="rate" checked={rate === value} onChange={() => setRate(value)} />
              {value}
            </label>
          ))}
        </div>
      </fieldset>
      <p class="quiet">They are all handed to the AI within about {duration(Math.max(1, request.count / rate))}.</p>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      <div class="buttons">
        <button type="button" onClick={() => (dialog.current?.close(), close(false))}>
          Cancel
        </button>
        <button type="button" class="main" disabled={busy} onClick={() => void start()}>
          <Again /> Reprocess
        </button>
      </div>
    </dialog>
  );
}
