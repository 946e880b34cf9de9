import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { writeParquet } from './etl-parquet.ts';
import { type Prepared, preparePipeline, readTransformed } from './etl-rows.ts';
import { passSealed } from './etl-sealed.ts';

/** Written at once. */
const pieceCharacters = 64 * 1024;

async function writeLines(input: string, output: string, prepared: Prepared): Promise<void> {
  const file = createWriteStream(output, { highWaterMark: 1 << 20 });
  for await (const rows of readTransformed(input, prepared)) {
    let text = '';
    let goesOn = true;
    for (const row of rows) {
      text += `${JSON.stringify(row)}\n`;
      if (text.length < pieceCharacters) continue;
      goesOn = file.write(text);
      text = '';
    }
    if (!(file.write(text) && goesOn)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

/** certfleet's part of the bench, a process of its own: NDJSON in, contract, filter, two HMACs, metadata, and out. */
const [form = '', input = '', output = ''] = process.argv.slice(2);
const prepared = preparePipeline();
if (form === 'ndjson') await writeLines(input, output, prepared);
else if (form === 'parquet') await writeParquet(input, output, prepared);
else if (form === 'sealed') await passSealed(input, prepared);
else throw new Error(`a form is ndjson, parquet or sealed, not "${form}"`);
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const usage = { maxRssBytes: maxRSS * 1_024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 };
process.stdout.write(`${JSON.stringify({ ...prepared.counts, ...usage })}\n`);
