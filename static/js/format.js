// Numbers and times as the server writes them, so that nothing jumps when a page comes alive.
const minus = (text) => text.replaceAll("-", "−");

export function number(value, form = "fixed", digits = 6) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (form === "int") return minus(value.toFixed(0));
  if (form === "exp") return minus(value.toExponential(Math.min(digits, 2)).replace("e+", "e"));
  return minus(value.toFixed(digits));
}

export function significant(value, digits = 8) {
  const short = Number(value.toPrecision(digits));
  const text = short && Math.abs(short) < 1e-3 ? short.toExponential() : short.toString();
  return minus(text.replace("e+", "e"));
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (whole < 1) return "under 1 s";
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}
