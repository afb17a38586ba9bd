// wavesurfer.js with peaks that the service computed, a lane for each stream, and what is missing as regions.
import WaveSurfer from "wavesurfer.js";
import Regions from "wavesurfer.js/plugins/regions";
import type { Waveform } from "./wire";

export const LANE_HEIGHT = 72;
/** As the style sheet has it. */
const SMALLEST_MARK_PIXELS = 3;

export interface DrawnWaveform {
  surfer: WaveSurfer;
  /** In the colours of now. */
  paint: () => void;
  destroy: () => void;
}

export function drawWaveform(box: HTMLElement, waveform: Waveform): DrawnWaveform {
  const apart = document.createElement("div");
  const loudest = Math.max(0.05, ...waveform.streams.flatMap((stream) => stream.peaks));
  const regions = Regions.create();
  const surfer = WaveSurfer.create({
    container: apart,
    height: LANE_HEIGHT,
    normalize: true,
    maxPeak: loudest,
    cursorWidth: 2,
    dragToSeek: true,
    peaks: waveform.streams.map((stream) => stream.peaks),
    duration: waveform.duration_seconds,
    plugins: [regions],
    ...colours(box, waveform),
  });
  adoptStyle(apart);
  box.replaceChildren(apart);
  const gaps = () => drawGaps(regions, waveform, (SMALLEST_MARK_PIXELS * waveform.duration_seconds) / box.clientWidth);
  surfer.on("ready", gaps);
  const paint = () => {
    surfer.setOptions(colours(box, waveform));
    gaps();
  };
  return { surfer, paint, destroy: () => surfer.destroy() };
}

function colours(box: HTMLElement, waveform: Waveform) {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    cursorColor: colour("--text"),
    splitChannels: waveform.streams.map((_, at) => ({
      height: LANE_HEIGHT,
      waveColor: colour(at % 2 ? "--wave-2" : "--wave-1"),
      progressColor: colour(at % 2 ? "--wave-2-played" : "--wave-1-played"),
    })),
  };
}

/** Marks that would touch are one: each costs wavesurfer more than the one before. */
function drawGaps(regions: ReturnType<typeof Regions.create>, waveform: Waveform, smallestSeconds: number): void {
  regions.clearRegions();
  waveform.streams.forEach((stream, channelIdx) => {
    for (const [start, end] of merged(stream.gaps, smallestSeconds)) {
      regions.addRegion({ start, end, channelIdx, drag: false, resize: false, color: "transparent" });
    }
  });
}

function merged(gaps: [number, number][], apartSeconds: number): [number, number][] {
  const marks: [number, number][] = [];
  for (const [start, end] of gaps) {
    const last = marks.at(-1);
    if (last && start - last[1] < apartSeconds) last[1] = end;
    else marks.push([start, end]);
  }
  return marks;
}

/**
 * wavesurfer writes its style into its shadow root as an element, which the page's Content-Security-Policy
 * forbids. Made apart from the document it is not judged yet, and is handed over as a style sheet object.
 */
function adoptStyle(apart: HTMLElement): void {
  const root = apart.firstElementChild?.shadowRoot;
  const element = root?.querySelector("style");
  if (!root || !element) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(element.textContent ?? "");
  root.adoptedStyleSheets = [sheet];
  element.remove();
}
