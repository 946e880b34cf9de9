import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { type RunRecord, signRunRecord } from '../../../../shared/audit/run-record.ts';
import { createPemSigner, trustKey } from '../../../../shared/audit/signer.ts';
import { verifyRun } from '../../../../shared/etl/run/verify-run.ts';
import { aRunRecord } from '../../audit/run-record-builder.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const verify = async (record: RunRecord) => {
  const signed = await signRunRecord(record, createPemSigner(privateKey));
  return verifyRun(JSON.parse(JSON.stringify(signed)), { trustedKeys: [trustKey(publicKey)] });
};

it('finds nothing wrong with a run that kept the law', async () => {
  expect(await verify(aRunRecord())).toEqual([]);
});

it('finds the chunk and the run whose records were lost, though both sums agree and the signature is good', async () => {
  const { chunks, counts } = aRunRecord();
  const [first, ...rest] = chunks;
  if (!first) throw new Error('two chunks');
  const lossy = { ...first, counts: { ...first.counts, extracted: 12 } };
  const problems = await verify(
    aRunRecord({ chunks: [lossy, ...rest], counts: { ...counts, extracted: 20 } }),
  );
  expect(problems.map(({ code }) => code)).toEqual(['books-unbalanced', 'books-unbalanced']);
  expect(problems[1]?.message).toContain('chunk 00000-aa: extracted 12');
  expect(problems[1]?.message).toContain('2 missing');
});

it('takes no count that the law does not know', async () => {
  const [chunk] = aRunRecord().chunks;
  if (!chunk) throw new Error('two chunks');
  const counts = { ...chunk.counts, lost: 1 };
  const problems = await verify(aRunRecord({ counts, chunks: [{ ...chunk, counts }] }));
  expect(problems.map(({ code }) => code)).toEqual(['counts-unknown', 'counts-unknown']);
});

it('says of what is no record only that', () => {
  expect(verifyRun({}, { trustedKeys: [] }).map(({ code }) => code)).toEqual(['record-malformed']);
});
