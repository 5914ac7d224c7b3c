// Takes steps of learning: the losses at each, and the parameters at the end.
import { readFileSync } from "node:fs";

const { Run } = await import(`${process.argv[2]}/run.mjs`);
const { Learning } = await import(`${process.argv[2]}/learning.mjs`);
const { contract, optimizer, lr, steps } = JSON.parse(readFileSync(0, "utf8"));
const run = new Run(contract);
const trained = run.arrays.flatMap((array, at) => {
  const gradient = run.arrays.findIndex((each) => each.at === array.name && each.term === null);
  return array.kind === "parameter" ? [[at, gradient]] : [];
});
const learning = new Learning(run, trained);
for (let step = 0; step < steps; step += 1) learning.step(optimizer, lr);
const losses = learning.history.map(({ losses: all }) => all[0]);
const parameters = Object.fromEntries(trained.map(([at]) => [run.arrays[at].name, [...run.numbers[at]]]));
process.stdout.write(JSON.stringify({ losses, parameters }));
