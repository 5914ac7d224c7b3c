// The functions of one number, as `symbolic/functions.py` has them.
const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

// The complementary error function: by its series near 0, else by its continued fraction.
const erfSeries = (x) => {
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k += 1) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return ((2 / Math.sqrt(Math.PI)) * sum) * Math.exp(-x * x);
};
const erfc = (x) => {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) return 1 - erfSeries(x);
  let below = x;
  for (let k = 120; k > 0; k -= 1) below = x + k / 2 / below;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / below;
};

const erf = (x) => (Math.abs(x) < 2.5 ? erfSeries(x) : Math.sign(x) * (1 - erfc(Math.abs(x))));

/** Those that a run computes otherwise than a line: as PyTorch, rounded at the 1 within. */
export const OF_A_RUN = { Φ: (x) => 0.5 * (1 + erf(x / Math.SQRT2)) };

export const FUNCTIONS = {
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  relu: (x) => (x < 0 ? 0 : x),
  sigmoid,
  tanh: Math.tanh,
  gate: (x) => (x <= 0 ? 0 : 1),
  is_zero: (x) => (x === 0 ? 1 : 0),
  softplus: (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
  abs: Math.abs,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  Φ: (x) => erfc(-x / Math.SQRT2) / 2,
  φ: (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI),
};
