// One member of a screen is picked at a time; every figure of the page hears which.
const PICKED = "member-picked";

/** `member` has a rank, a label and, if it is known, a value. */
export function pick(figure, member) {
  figure.parentElement.dispatchEvent(new CustomEvent(PICKED, { detail: member }));
}

export function hearPick(figure, hear) {
  figure.parentElement.addEventListener(PICKED, ({ detail }) => figure.isConnected && hear(detail));
}
