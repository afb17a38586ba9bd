/** Where the focus goes when what had it goes away. */
export const focusOnContent = () => document.getElementById("main")?.focus({ preventScroll: true });
