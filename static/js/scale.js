// Axes: where the ticks are, and what is written on them.
const MINUS = "−";

/** Of their size: what differs by less is the same number, computed twice. */
const SAME = 1e-12;

export function linear(low, high, count, whole = false) {
  if (high - low <= SAME * Math.max(Math.abs(low), Math.abs(high))) {
    const room = Math.abs(low) * 1e-2 || 1;
    [low, high] = whole ? [low - 1, high + 1] : [low - room, high + room];
  }
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].find((each) => each * power >= rough * 0.75) * power;
  if (whole) step = Math.max(1, Math.round(step));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push({ value: i * step, text: write(i * step, decimals) });
  }
  return { low, high, ticks, place: (value) => (value - low) / (high - low) };
}

export function decades(low, high, count) {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(Math.ceil(Math.log10(high) - 1e-9), first + 1);
  const step = Math.max(1, Math.ceil((last - first) / Math.max(count, 1)));
  const ticks = [];
  for (let power = last; power >= first; power -= step) {
    ticks.push({ value: 10 ** power, text: "10", raised: String(power).replace("-", MINUS) });
  }
  const place = (value) => (Math.log10(value) - first) / (last - first);
  return { low: 10 ** first, high: 10 ** last, ticks, place };
}

function write(value, decimals) {
  if (Math.abs(value) >= 1e6 || decimals > 9) {
    return value.toExponential(2).replace("e+", "e").replaceAll("-", MINUS);
  }
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
}
