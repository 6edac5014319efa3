// Averages of correlated numbers, as simulations/dynamics/statistics.py computes them.
const MIN_BLOCKS = 6;

export const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

/** Of the single values, as of a sample. */
export function spread(values) {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (values.length - 1));
}

/** Standard error of the mean, by blocking (Flyvbjerg and Petersen 1989); null for too few. */
export function blockError(values) {
  let data = values;
  let largest = null;
  while (data.length >= MIN_BLOCKS) {
    largest = Math.max(largest ?? 0, spread(data) / Math.sqrt(data.length));
    const pairs = Math.floor(data.length / 2);
    data = Array.from({ length: pairs }, (_, i) => (data[2 * i] + data[2 * i + 1]) / 2);
  }
  return largest;
}

/** Of the straight line through the points; null for fewer than three. */
export function slope(x, y) {
  if (x.length < 3) return null;
  const [left, low] = [mean(x), mean(y)];
  const across = x.reduce((sum, each, i) => sum + (each - left) * (y[i] - low), 0);
  return across / x.reduce((sum, each) => sum + (each - left) ** 2, 0);
}

/** So many independent values would have this error of their mean. */
export function effectiveSamples(values, error) {
  return error ? Math.min((spread(values) / error) ** 2, values.length) : null;
}

/** Standard error of that slope, by how many values are independent; null for too few. */
export function slopeError(x, y) {
  if (x.length < MIN_BLOCKS) return null;
  const [left, low, steep] = [mean(x), mean(y), slope(x, y)];
  const rest = y.map((each, i) => each - low - steep * (x[i] - left));
  const free = rest.length / inefficiency(rest) - 2;
  return free > 0 ? deviation(rest) / deviation(x) / Math.sqrt(free) : null;
}

/** How many of them tell as much as one: 1 plus twice the sum of their autocorrelation, up to where
 *  it first is none (Chodera et al. 2007). */
function inefficiency(values) {
  const count = values.length;
  const middle = mean(values);
  const data = values.map((each) => each - middle);
  const whole = mean(data.map((each) => each ** 2));
  let sum = 0;
  for (let lag = 1; whole && lag < count; lag++) {
    let products = 0;
    for (let i = 0; i + lag < count; i++) products += data[i] * data[i + lag];
    const correlation = products / (count - lag) / whole;
    if (correlation <= 0) break;
    sum += correlation * (1 - lag / count);
  }
  return Math.max(1, 1 + 2 * sum);
}

const deviation = (values) => spread(values) * Math.sqrt((values.length - 1) / values.length);
