// How long a job may still take, in the words of jobs/pages/forecast.py.
const STEPS = [[60, 5], [600, 60], [3600, 300], [2 * 86400, 3600], [Infinity, 86400]];
const UNITS = { 5: ["s", 1], 60: ["min", 60], 300: ["min", 60], 3600: ["h", 3600], 86400: ["d", 86400] };

const stepFor = (seconds) => STEPS.find(([limit]) => seconds < limit)[1];

/** As Python rounds: a half goes to the even one. */
function round(number) {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 ? floor + 1 : floor;
}

function rounded(seconds) {
  const step = stepFor(seconds);
  const whole = round(seconds / step) * step;
  const [unit, size] = UNITS[stepFor(whole)];
  return [round(whole / size), unit];
}

function about(seconds) {
  const [amount, unit] = rounded(seconds);
  return amount ? `about ${amount} ${unit}` : "under 5 s";
}

function between(low, high) {
  const [least, small] = rounded(low);
  const [most, large] = rounded(high);
  if (!most) return "at most 5 s";
  if (!least) return `up to ${most} ${large}`;
  if (least === most && small === large) return `${most} ${large}`;
  return `${least}${small === large ? "" : ` ${small}`} to ${most} ${large}`;
}

/** @param rests of some moments of the run `[seconds, p10, p50, p90]`, the last three of what is left then.
 *  @param told by the run itself, which knows better; or null.
 *  @returns what the readout "Left" says after so many seconds: `[value, range]`. */
export function left(rests, ranFor, told = null) {
  if (told !== null) return [about(told), "at the speed of this run"];
  const next = rests.findIndex(([at]) => at >= ranFor);
  if (next < 0) return ["–", "longer than similar jobs took"];
  const [from, to] = [rests[Math.max(next - 1, 0)], rests[next]];
  const share = to === from ? 0 : (ranFor - from[0]) / (to[0] - from[0]);
  const [p10, p50, p90] = [1, 2, 3].map((each) => from[each] + share * (to[each] - from[each]));
  return [about(p50), between(p10, p90)];
}
