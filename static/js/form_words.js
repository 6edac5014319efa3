// Estimates in words, as exact as they are and no more: as the server says them.
const STEPS = [[60, 5], [600, 60], [3600, 300], [2 * 86400, 3600]];
const UNITS = new Map([[5, ["s", 1]], [60, ["min", 60]], [300, ["min", 60]], [3600, ["h", 3600]], [86400, ["d", 86400]]]);

export function about(seconds) {
  const [amount, unit] = rounded(seconds);
  return amount ? `about ${amount} ${unit}` : "under 5 s";
}

export function between(low, high) {
  const [least, small] = rounded(low);
  const [most, large] = rounded(high);
  if (!most) return "at most 5 s";
  if (!least) return `up to ${most} ${large}`;
  if (least === most && small === large) return `${most} ${large}`;
  return `${least}${small === large ? "" : ` ${small}`} to ${most} ${large}`;
}

export function mebibytes(mib) {
  return mib >= 1000 ? `${(mib / 1024).toFixed(1)} GiB` : `${Math.max(Math.round(mib / 50), 1) * 50} MiB`;
}

/** `C6H6` with its counts below the line. */
export function formula(text) {
  const parts = text.match(/\d+|\D+/g) ?? [];
  return parts.map((part) => {
    const node = document.createElement(/\d/.test(part) ? "sub" : "span");
    node.textContent = part;
    return node;
  });
}

function rounded(seconds) {
  const stepOf = (value) => STEPS.find(([limit]) => value < limit)?.[1] ?? 86400;
  const whole = Math.round(seconds / stepOf(seconds)) * stepOf(seconds);
  const [unit, size] = UNITS.get(stepOf(whole));
  return [Math.round(whole / size), unit];
}
