import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { SHOWN_SECONDS } from "./figures";

interface Line {
  colour: string;
  fill?: boolean;
  /** Where there may be nothing to tell of a second. */
  spanGaps?: boolean;
}

interface Properties {
  label: string;
  data: uPlot.AlignedData;
  lines: Line[];
}

const HEIGHT = 64;
/** Just after the page was opened; it grows to SHOWN_SECONDS. */
const LEAST_SECONDS = 20;

/** The last two minutes, without axes: the figures stand beside it. Colours are names of CSS variables. */
export function Chart({ label, data, lines }: Properties) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, lines), latest.current, element);
    };
    make();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    sized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", make);
    return () => {
      sized.disconnect();
      dark.removeEventListener("change", make);
      plot.current?.destroy();
    };
  }, []);

  const latest = useRef(data);
  latest.current = data;
  useEffect(() => plot.current?.setData(data), [data]);
  return <div class="chart" role="img" aria-label={label} ref={box} />;
}

function options(element: HTMLElement, lines: Line[]): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [4, 0, 1, 0],
    cursor: { show: false },
    legend: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: false, range: (_, start, end) => [Math.max(end - SHOWN_SECONDS, Math.min(start, end - LEAST_SECONDS)), end] },
      y: { range: (_, __, most) => [0, Math.max(1, most) * 1.08] },
    },
    series: [
      {},
      ...lines.map((line) => ({
        stroke: colour(line.colour),
        ...(line.fill ? { fill: `${colour(line.colour)}22` } : {}),
        width: 1.75,
        points: { show: false },
        spanGaps: line.spanGaps ?? false,
      })),
    ],
  };
}
