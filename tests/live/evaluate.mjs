// Computes runs: for each case a contract and other numbers for some of its arrays.
import { readFileSync } from "node:fs";

const { Run } = await import(`${process.argv[2]}/run.mjs`);
const cases = JSON.parse(readFileSync(0, "utf8"));
const answers = cases.map(({ contract, settings }) => {
  const run = new Run(contract);
  return settings.map((changed) => {
    for (const [name, numbers] of Object.entries(changed)) run.numbers[run.byName.get(name)].set(numbers);
    run.compute();
    return Object.fromEntries(run.arrays.map(({ name }, at) => [name, [...run.numbers[at]]]));
  });
});
process.stdout.write(JSON.stringify(answers));
