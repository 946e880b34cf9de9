import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeParquet } from '../shared/etl/destinations/files/parquet-file.ts';
import type { Row } from '../shared/etl/record.ts';
import { type Prepared, readTransformed } from './etl-rows.ts';
import { materials } from './etl-workload.ts';

/** Rows of a staged part (chain/parts.ts), each of which becomes a file. */
const rowsPerFile = 50_000;
const writer = { runId: materials.run.runId, fence: 1 };

/** The rows as Parquet files in the folder `output`, by the encoder of every destination that takes Parquet. */
export async function writeParquet(input: string, output: string, prepared: Prepared): Promise<void> {
  mkdirSync(output, { recursive: true });
  const batches = readTransformed(input, prepared);
  const { signal } = new AbortController();
  let ended = false;
  for (let index = 0; !ended; index++) {
    let rows = 0;
    // Streamed, as a part's rows are: its length is known once it has been read.
    const read = async function* (): AsyncGenerator<Row[]> {
      while (rows < rowsPerFile) {
        const { done, value } = await batches.next();
        ended = done === true;
        if (done) return;
        rows += value.length;
        yield value;
      }
    };
    const digest = createHash('sha256').update(String(index)).digest('hex');
    const part = {
      index,
      digest,
      read,
      get rows() {
        return rows;
      },
    };
    const bytes = await encodeParquet(part, prepared.shape, { signal, writer });
    if (rows > 0) await writeFile(join(output, `part-${String(index).padStart(5, '0')}.parquet`), bytes);
  }
}
