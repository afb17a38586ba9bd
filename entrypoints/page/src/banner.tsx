import type { ComponentChildren } from "preact";

interface Properties {
  kind: "bad" | "warn" | "info";
  title: string;
  children?: ComponentChildren;
}

export function Banner({ kind, title, children }: Properties) {
  return (
    <div class={`banner ${kind}`}>
      <p>
        <strong>{title}</strong> {children}
      </p>
    </div>
  );
}
