// Steps of gradient descent on the page: SGD and Adam, as `torch.optim` makes them.
const BETA1 = 0.9;
const BETA2 = 0.999;
const ADAM_EPS = 1e-8;

export class Learning {
  constructor(run, trained) {
    this.run = run;
    this.trained = trained; // pairs of a parameter and its gradient
    this.restart();
  }

  restart() {
    this.moments = null;
    this.history = [];
  }

  losses() {
    return this.run.ends.map((at) => this.run.numbers[at][0]);
  }

  /** Take one step with the gradients that the run has, and compute it anew. */
  step(optimizer, lr, draw = null) {
    if (!this.history.length) this.history.push(this.record());
    if (draw) {
      draw();
      this.run.compute();
    }
    if (optimizer === "adam") this.adam(lr);
    else this.sgd(lr);
    this.run.compute();
    this.history.push(this.record());
  }

  record() {
    return { losses: this.losses(), moments: this.moments && structuredClone(this.moments) };
  }

  sgd(lr) {
    for (const [parameter, gradient] of this.trained) {
      const [numbers, slopes] = [this.run.numbers[parameter], this.run.numbers[gradient]];
      for (let k = 0; k < numbers.length; k += 1) numbers[k] -= lr * slopes[k];
    }
  }

  adam(lr) {
    this.moments ??= {
      t: 0,
      m: this.trained.map(([parameter]) => new Float64Array(this.run.numbers[parameter].length)),
      v: this.trained.map(([parameter]) => new Float64Array(this.run.numbers[parameter].length)),
    };
    const { m, v } = this.moments;
    this.moments.t += 1;
    const first = 1 - BETA1 ** this.moments.t;
    const root = Math.sqrt(1 - BETA2 ** this.moments.t);
    this.trained.forEach(([parameter, gradient], at) => {
      const [numbers, slopes] = [this.run.numbers[parameter], this.run.numbers[gradient]];
      for (let k = 0; k < numbers.length; k += 1) {
        m[at][k] = BETA1 * m[at][k] + (1 - BETA1) * slopes[k];
        v[at][k] = BETA2 * v[at][k] + (1 - BETA2) * slopes[k] * slopes[k];
        numbers[k] -= ((lr / first) * m[at][k]) / (Math.sqrt(v[at][k]) / root + ADAM_EPS);
      }
    });
  }

  /** Go back to a step; those behind it are forgotten. */
  backTo(position) {
    this.history.length = position + 1;
    const { moments } = this.history[position];
    this.moments = moments && structuredClone(moments);
  }
}
