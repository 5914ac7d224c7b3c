// Decimal numbers with fifty digits, as Python's `decimal` has them: { n, e } stands for n·10^e.
const PRECISION = 50;
const WORKING = 70n; // digits behind the point, in which functions are computed

const power10 = (count) => 10n ** BigInt(count);
const size = (n) => (n < 0n ? -n : n);
const digitsOf = (n) => size(n).toString().length;

/** Divide and round, a tie to the even one. */
const halfEven = (n, by) => {
  const quotient = size(n) / by;
  const twice = 2n * (size(n) % by);
  const up = twice > by || (twice === by && quotient % 2n === 1n);
  const rounded = quotient + (up ? 1n : 0n);
  return n < 0n ? -rounded : rounded;
};

const kept = (n, e) => {
  const over = digitsOf(n) - PRECISION;
  return over > 0 ? { n: halfEven(n, power10(over)), e: e + over } : { n, e };
};

export const decimal = (text) => {
  const [mantissa, exponent = "0"] = text.split("e");
  const [whole, behind = ""] = mantissa.split(".");
  return { n: BigInt(whole + behind), e: Number(exponent) - behind.length };
};

/** The number that a float64 is, to its last digit. */
export const exactly = (value) => {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return { n: BigInt(value), e: 0 };
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  let n = exponent ? fraction | 0x10000000000000n : fraction;
  const two = (exponent || 1) - 1075;
  if (value < 0) n = -n;
  // n·2^-k is n·5^k·10^-k.
  return two >= 0 ? { n: n << BigInt(two), e: 0 } : { n: n * 5n ** BigInt(-two), e: two };
};

export const isZero = (a) => a.n === 0n;
export const negative = (a) => ({ n: -a.n, e: a.e });
export const magnitude = (a) => ({ n: size(a.n), e: a.e });
export const plus = (a, b) => {
  const e = Math.min(a.e, b.e);
  return kept(a.n * power10(a.e - e) + b.n * power10(b.e - e), e);
};
export const times = (a, b) => kept(a.n * b.n, a.e + b.e);
export const over = (a, b) => {
  const shift = Math.max(0, PRECISION + 5 + digitsOf(b.n) - digitsOf(a.n));
  return kept((a.n * power10(shift)) / b.n, a.e - b.e - shift);
};
export const compare = (a, b) => {
  const e = Math.min(a.e, b.e);
  const [left, right] = [a.n * power10(a.e - e), b.n * power10(b.e - e)];
  return left < right ? -1 : left > right ? 1 : 0;
};
export const toFloat = (a) => Number(`${a.n}e${a.e}`);

// --- functions, in whole numbers of 10^-70 ---

const ONE_FIXED = power10(WORKING);
const fixedPoint = (a) => {
  const shift = a.e + Number(WORKING);
  return shift >= 0 ? a.n * power10(shift) : halfEven(a.n, power10(-shift));
};
const ofFixed = (n) => kept(n, -Number(WORKING));
const LN2 = (() => {
  let sum = 0n; // ln 2 = Σ 1/(k·2^k)
  for (let k = 1n; k < 260n; k += 1n) sum += ONE_FIXED / (k << k);
  return sum;
})();

export const expOf = (a) => {
  const x = fixedPoint(a);
  const halvings = x / LN2 + (x < 0n ? -1n : 0n);
  const rest = (x - halvings * LN2) >> 8n; // its exponential to the power of 256
  let term = ONE_FIXED;
  let sum = ONE_FIXED;
  for (let k = 1n; term !== 0n; k += 1n) {
    term = (term * rest) / ONE_FIXED / k;
    sum += term;
  }
  for (let k = 0; k < 8; k += 1) sum = (sum * sum) / ONE_FIXED;
  if (halvings >= 0n) return ofFixed(sum << halvings);
  // A small result keeps its digits.
  const more = (-halvings * 302n) / 1000n + 1n;
  return kept((sum * power10(more)) >> -halvings, -Number(WORKING) - Number(more));
};
export const logOf = (a) => {
  // Newton's method from the float64's logarithm.
  let y = exactly(Math.log(toFloat(a)));
  for (let k = 0; k < 2; k += 1) {
    const e = expOf(y);
    y = plus(y, times({ n: 2n, e: 0 }, over(plus(a, negative(e)), plus(a, e))));
  }
  return y;
};
export const rootOf = (a) => {
  const n = a.e % 2 === 0 ? a.n : a.n * 10n;
  const e = a.e % 2 === 0 ? a.e : a.e - 1;
  const wide = n * power10(2 * PRECISION);
  if (wide === 0n) return { n: 0n, e: 0 };
  let root = power10(Math.ceil(digitsOf(wide) / 2));
  for (;;) {
    const next = (root + wide / root) >> 1n;
    if (next >= root) break;
    root = next;
  }
  return kept(root, e / 2 - PRECISION);
};
export const raisedTo = (a, b) => {
  if (b.n === 0n) return { n: 1n, e: 0 };
  const whole = b.e >= 0 ? b.n * power10(b.e) : b.n % power10(-b.e) === 0n ? b.n / power10(-b.e) : null;
  if (whole === null || size(whole) > 10000n) return expOf(times(b, logOf(a)));
  let result = { n: 1n, e: 0 };
  for (let k = 0n; k < size(whole); k += 1n) result = times(result, a);
  return whole < 0n ? over({ n: 1n, e: 0 }, result) : result;
};

// --- as text ---

/** Write with so many decimals; a tie goes to the even digit. */
export const written = (a, decimals, scientific = false) => {
  if (!scientific) {
    const shift = a.e + decimals;
    const n = shift >= 0 ? a.n * power10(shift) : halfEven(a.n, power10(-shift));
    const digits = size(n).toString().padStart(decimals + 1, "0");
    const point = digits.length - decimals;
    const text = decimals ? `${digits.slice(0, point)}.${digits.slice(point)}` : digits;
    return a.n < 0n ? `-${text}` : text;
  }
  let exponent = adjusted(a);
  let n = a.n;
  const shift = a.e + decimals - exponent;
  n = shift >= 0 ? n * power10(shift) : halfEven(n, power10(-shift));
  if (digitsOf(n) > decimals + 1) {
    n /= 10n;
    exponent += 1;
  }
  const digits = size(n).toString().padEnd(decimals + 1, "0");
  const mantissa = decimals ? `${digits[0]}.${digits.slice(1)}` : digits;
  return `${a.n < 0n ? "-" : ""}${mantissa}${exponentText(exponent)}`;
};

/** The power of ten of its first digit. */
export const adjusted = (a) => a.e + digitsOf(a.n) - 1;
/** Write an exponent as Python does. */
export const exponentText = (exponent) =>
  `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

/** How many decimals it has without zeros at its end. */
export const ownDecimals = (a) => -trimmed(a).e;

/** The shortest decimals that tell a float64 from its neighbours, as Python writes them. */
export const repr = (value) => {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Object.is(value, -0)) return "-0.0";
  if (value === 0) return "0.0";
  const [mantissa, last] = value.toExponential().split("e");
  const exponent = Number(last);
  if (exponent < -4 || exponent >= 16) return mantissa + exponentText(exponent);
  const minus = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace("-", "").replace(".", "");
  if (exponent < 0) return `${minus}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${minus}${whole}.${digits.slice(exponent + 1) || "0"}`;
};

/** The shortest decimals of a number, those of a float32 if it is one. */
export const shortest = (value) => {
  if (Math.fround(value) !== value) return decimal(repr(value));
  for (let digits = 1; digits < 10; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return decimal(text);
  }
  return decimal(repr(value));
};

/** The decimals of a number, without the last ones where a few say all the rest. */
export const apartFromRounding = (value) => {
  const few = value.toFixed(11);
  const isNear = Math.abs(Number(few) - value) <= 1e-14 * Math.max(1, Math.abs(value));
  return isNear ? trimmed(decimal(few)) : decimal(repr(value));
};
const trimmed = ({ n, e }) => {
  if (n === 0n) return { n, e: 0 };
  let [rest, exponent] = [n, e];
  while (rest % 10n === 0n) {
    rest /= 10n;
    exponent += 1;
  }
  return { n: rest, e: exponent };
};

const NEAR = 2 ** -23;
/** Write a finite number with fixed decimals, rounded as it is typed. */
export const fixedText = (value, decimals) => {
  const scaled = Math.abs(value) * 10 ** decimals;
  if (Math.abs((scaled % 1) - 0.5) > NEAR * (scaled + 1)) return pythonFixed(value, decimals);
  let typed = shortest(value);
  if (digitsOf(typed.n) > 15) typed = apartFromRounding(value);
  const most = Math.fround(value) === value ? 6 : 15;
  const isTie = ownDecimals(typed) === decimals + 1 && digitsOf(trimmed(typed).n) <= most;
  return written(isTie ? typed : exactly(value), decimals);
};
const pythonFixed = (value, decimals) => {
  const text = value.toFixed(decimals);
  return Object.is(value, -0) ? `-${text}` : text;
};
/** Round to decimals, as numbers that are typed. */
export const rounded = (value, decimals) =>
  Math.abs(value) * 10 ** decimals >= 2 ** 53 ? value : Number(fixedText(value, decimals));
export const exponential = (value, decimals) => written(exactly(value), decimals, true);
