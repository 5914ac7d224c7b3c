// Writes the regions of a page for each of some settings, as the page does after a change.
import { readFileSync } from "node:fs";

const { Run } = await import(`${process.argv[2]}/run.mjs`);
const { Writer } = await import(`${process.argv[2]}/blocks.mjs`);
const { region } = await import(`${process.argv[2]}/regions.mjs`);
const { page, settings } = JSON.parse(readFileSync(0, "utf8"));
const run = new Run({ ...page.run, beta: page.beta, lr: page.lr });
const shares = page.regions.find(({ shares: each }) => each)?.shares;
const writer = new Writer(run, page.signs, shares, page.digits ?? null);
const answers = settings.map((changed) => {
  const { beta, lr, ...given } = changed;
  run.numbers.lr = lr ?? page.lr;
  if (beta !== undefined) run.weigh(beta);
  for (const [name, numbers] of Object.entries(given)) run.numbers[run.byName.get(name)].set(numbers);
  run.compute();
  writer.follow();
  return page.regions.map((spec) => region(writer, spec));
});
process.stdout.write(JSON.stringify(answers));
