import type { JSX } from "preact";

function Icon({ children, size = 18 }: { children: JSX.Element | JSX.Element[]; size?: number }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const Logo = () => (
  <svg class="logo" width="26" height="26" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" />
    <path d="M6 14v4M11 10v12M16 6v20M21 11v10M26 14v4" fill="none" stroke-width="2.6" stroke-linecap="round" />
  </svg>
);
export const Search = () => (
  <Icon>
    <circle cx="11" cy="11" r="7" />
    <path d="m20 20-3.6-3.6" />
  </Icon>
);
export const Play = () => (
  <Icon size={20}>
    <path d="M7 4.5v15l12.5-7.5z" fill="currentColor" />
  </Icon>
);
export const Pause = () => (
  <Icon size={20}>
    <path d="M8 5v14M16 5v14" stroke-width="4" />
  </Icon>
);
export const Download = () => (
  <Icon>
    <path d="M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 20h14" />
  </Icon>
);
export const Again = () => (
  <Icon>
    <path d="M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7" />
  </Icon>
);
export const Back = () => (
  <Icon>
    <path d="m14 6-6 6 6 6" />
  </Icon>
);
export const Forward = () => (
  <Icon>
    <path d="m10 6 6 6-6 6" />
  </Icon>
);
export const Copy = () => (
  <Icon size={16}>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M15 5.5A1.5 1.5 0 0 0 13.5 4h-8A1.5 1.5 0 0 0 4 5.5v8A1.5 1.5 0 0 0 5.500 15" />
  </Icon>
);
