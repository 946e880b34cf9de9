import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPartWriter, type PartShelf, readPart } from '../../../../shared/etl/chain/parts.ts';
import { createMemoryObjectStore } from '../../../../shared/etl/objects/store.memory.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';

const aShelf = (): PartShelf => {
  let drawn = 0;
  return {
    store: createMemoryObjectStore(createFakeClock(new Date('2026-03-01T00:00:00Z'))),
    dataKey: {
      keyId: 'test-key',
      wrapped: '',
      purpose: { pipeline: 'orders', table: 'orders', runId: 'run' },
      plaintext: new Uint8Array(32).fill(7),
    },
    random: () => (drawn++ % 1_000) / 1_000,
  };
};

const contentOf = async (shelf: PartShelf, part: Parameters<typeof readPart>[1]) =>
  Buffer.from(await readPart(shelf, part)).toString('utf8');

describe('a part writer', () => {
  it('seals its lines in the order they came, whatever their length and alphabet', async () => {
    const shelf = aShelf();
    const writer = createPartWriter(shelf, { prefix: 'raw/' });
    const lines = Array.from({ length: 500 }, (_, n) => 'aé✓🎈'.repeat((n * n) % 400) + n);
    for (const line of lines) writer.add(line);
    expect(writer.waiting).toBe(500);
    await writer.flush();
    const [part] = writer.parts;
    const text = `${lines.join('\n')}\n`;
    const digest = createHash('sha256').update(text).digest('hex');
    expect(writer.parts).toEqual([{ key: 'raw/00000', versionId: part?.versionId, lines: 500, digest }]);
    expect(part && (await contentOf(shelf, part))).toBe(text);
  });

  it('begins the next part with nothing of the one before', async () => {
    const shelf = aShelf();
    const writer = createPartWriter(shelf, { prefix: 'raw/' });
    writer.add('long line of the first part');
    await writer.flush();
    writer.add('second');
    await writer.flush();
    await writer.flush();
    expect(await Promise.all(writer.parts.map((part) => contentOf(shelf, part)))).toEqual([
      'long line of the first part\n',
      'second\n',
    ]);
    expect(writer.waiting).toBe(0);
  });

  it('writes when asked once there is a part of lines, or of bytes', async () => {
    const shelf = aShelf();
    const writer = createPartWriter(shelf, { prefix: 'raw/' });
    for (let n = 0; n < 49_999; n++) writer.add('x');
    await writer.flushFull();
    expect(writer.parts).toHaveLength(0);
    writer.add('x');
    await writer.flushFull();
    expect(writer.parts.map(({ lines }) => lines)).toEqual([50_000]);
    writer.add('é'.repeat(8 * 1024 * 1024));
    await writer.flushFull();
    expect(writer.parts.map(({ lines }) => lines)).toEqual([50_000, 1]);
  });

  it('goes on counting where an earlier worker stopped', async () => {
    const before = [{ key: 'raw/1/00000', versionId: 'v', lines: 3, digest: 'd' }];
    const writer = createPartWriter(aShelf(), { prefix: 'raw/2/', before });
    writer.add('more');
    await writer.flush();
    expect(writer.parts.map(({ key }) => key)).toEqual(['raw/1/00000', 'raw/2/00001']);
  });
});
