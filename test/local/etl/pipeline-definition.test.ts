import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definePipeline, readPipeline } from '../../../local/etl/pipeline-definition.ts';
import type { PostgresOptions } from '../../../local/etl/postgres-options.ts';
import { exampleDefinition } from './builders.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'certfleet-definition-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const postgres: PostgresOptions = {
  host: 'db.example.com',
  port: 5433,
  user: 'loader',
  database: 'analytics',
  caPem: 'roots',
  certificatePem: 'certificate',
  privateKeyPem: 'key',
};

describe('a definition of a pipeline', () => {
  it('is read from its file', async () => {
    const path = join(directory, 'orders.json');
    writeFileSync(path, `\uFEFF${exampleDefinition}`);
    const { definition, pipeline } = await readPipeline(path);
    expect(definition).toEqual(JSON.parse(exampleDefinition));
    expect(pipeline).toMatchObject({ name: 'orders', source: { type: 'https' } });
  });

  it('that is wrong names every place and its file', async () => {
    const path = join(directory, 'wrong.json');
    const wrong = { ...JSON.parse(exampleDefinition), owner: 'nobody', sources: [], description: 7 };
    writeFileSync(path, JSON.stringify(wrong));
    const failure = await readPipeline(path).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'pipeline-invalid', disposition: 'give-up' });
    const [headline, ...lines] = (failure as Error).message.split('\n');
    expect(headline).toBe(`the pipeline definition ${path} is wrong:`);
    expect(lines.map((line) => line.split(':')[0]?.trim()).sort()).toEqual([
      '/description',
      '/owner',
      '/sources',
    ]);
  });

  it.each(['null', '[]', '"orders"', '{}'])('that is %s is refused', (text) => {
    expect(() => definePipeline(text, { place: 'here', postgres })).toThrow(
      /^the pipeline definition here is wrong/,
    );
  });

  it('that cannot be read says why', async () => {
    const code = 'pipeline-unreadable';
    const broken = join(directory, 'broken.json');
    writeFileSync(broken, '{"name": ');
    await expect(readPipeline(broken)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/it is no JSON/),
    });
    truncateSync(broken, 1_048_577);
    await expect(readPipeline(broken)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/1048576 bytes/),
    });
    const missing = readPipeline(join(directory, 'none.json'));
    await expect(missing).rejects.toMatchObject({ code, message: expect.stringMatching(/ENOENT/) });
    await expect(readPipeline(directory)).rejects.toMatchObject({ code });
  });

  it.each([
    ['', /its name is empty; give the path/],
    [
      's3://bucket/orders.json',
      /s3:\/\/bucket\/orders\.json cannot be read: give the path of a file on this/,
    ],
    ['/dev/null', /it is not a regular file/],
  ])('cannot be at "%s", and says what to give', async (path, message) => {
    await expect(readPipeline(path)).rejects.toMatchObject({
      code: 'pipeline-unreadable',
      message: expect.stringMatching(message),
    });
  });

  it('says what is wrong without what would steer a terminal', async () => {
    const missing = await readPipeline(join(directory, 'no\x1b[2Jne\n.json')).catch(String);
    const broken = await messageOf('{"na\x1b[2Jme": 1}');
    const odd = await messageOf(JSON.stringify({ 'na\x1b[2Jme': 1 }));
    for (const message of [missing, broken, odd]) expect(message).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

async function messageOf(text: string): Promise<string> {
  const path = join(directory, 'odd.json');
  writeFileSync(path, text);
  return readPipeline(path).then(() => '', String);
}

describe('a given PostgreSQL server', () => {
  it('is one more destination, without its secrets', () => {
    const { pipeline } = definePipeline(exampleDefinition, { place: 'here', postgres });
    expect(pipeline.destinations).toHaveLength(2);
    expect(pipeline.destinations[1]).toEqual({
      type: 'postgresql',
      host: 'db.example.com',
      port: 5433,
      database: 'analytics',
      user: 'loader',
      clientCertificate: 'etl-postgresql',
      caSecret: 'etl/postgresql/roots',
      schema: 'public',
      table: 'orders',
    });
  });

  it('whose database cannot be named in SQL is refused by its place', () => {
    const odd = { ...postgres, database: 'x sslmode=disable' };
    expect(() => definePipeline(exampleDefinition, { place: 'here', postgres: odd })).toThrow(
      '/destinations/1/database: is a plain SQL identifier',
    );
  });
});
