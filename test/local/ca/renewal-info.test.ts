import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCertificateIdentifier } from '../../../local/ca/certificate-identifier.ts';
import { suggestWindow } from '../../../local/ca/renewal-windows.ts';
import { aSubscriber, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

let scene: Awaited<ReturnType<typeof startPlainCa>>;
let subscriber: Subscriber;
beforeAll(async () => {
  scene = await startPlainCa();
  subscriber = await aSubscriber(scene.ca);
});
afterAll(async () => {
  subscriber.raw.close();
  await scene.ca.stop();
});

const ask = (certId: string) =>
  subscriber.raw.send('GET', `${subscriber.raw.origin}/acme/renewal-info/${certId}`);

describe('renewal information', () => {
  it('is announced in the directory', async () => {
    const { json } = await subscriber.raw.send('GET', scene.ca.directoryUrl);
    expect(json?.renewalInfo).toBe(`${subscriber.raw.origin}/acme/renewal-info`);
  });

  it('suggests two hundredths of the validity before the last third, and to ask again in six hours', async () => {
    const { leaf, certId } = await subscriber.issue(['window.example.com']);
    const reply = await ask(certId);
    const day = 86_400_000;
    const middle = leaf.validToDate.getTime() - 30 * day;
    const printed = (millis: number) => new Date(millis).toISOString().replace('.000', '');
    expect(reply.json).toEqual({
      suggestedWindow: { start: printed(middle - 0.9 * day), end: printed(middle + 0.9 * day) },
    });
    expect(reply.headers).toMatchObject({ 'retry-after': '21600', 'content-type': 'application/json' });
    expect(reply.headers['replay-nonce']).toBeUndefined();
  });

  it('puts the window half an hour past once the certificate is revoked', async () => {
    const { leaf, certId } = await subscriber.issue(['revoked.example.com']);
    const certificate = leaf.raw.toString('base64url');
    await subscriber.post(`${subscriber.raw.origin}/acme/revoke-cert`, { certificate, reason: 4 });
    expect((await ask(certId)).json).toEqual({
      suggestedWindow: { start: '2026-11-22T05:00:00Z', end: '2026-11-22T05:30:00Z' },
    });
  });

  it('can be moved, by serial or names, with an explanation', async () => {
    const { serial, certId } = await subscriber.issue(['a.moved.example.com', 'b.moved.example.com']);
    const window = { start: new Date('2027-01-01T00:00:00Z'), end: new Date('2027-01-02T00:00:00Z') };
    scene.ca.moveRenewalWindow(serial, window, 'https://example.com/why');
    expect((await ask(certId)).json).toEqual({
      suggestedWindow: { start: '2027-01-01T00:00:00Z', end: '2027-01-02T00:00:00Z' },
      explanationURL: 'https://example.com/why',
    });
    const { start, end } = window;
    scene.ca.moveRenewalWindow(['b.moved.example.com', 'a.moved.example.com'], { start: end, end: start });
    expect((await ask(certId)).json).toEqual({
      suggestedWindow: { start: '2027-01-02T00:00:00Z', end: '2027-01-01T00:00:00Z' },
    });
    expect(() => scene.ca.moveRenewalWindow(['unknown.example.com'], window)).toThrow(
      expect.objectContaining({ code: 'no-certificate-to-move' }),
    );
  });

  it.each([
    ['a serial that was never issued', (id: string) => `${id.split('.')[0]}.BQ`, '404 malformed'],
    ['another issuer', (id: string) => `AAAA.${id.split('.')[1]}`, '404 malformed'],
    ['padding', (id: string) => `${id}==`, '404 malformed'],
    ['an issuer in hexadecimal, strayed from base64url', (id: string) => `+${id}`, '400 malformed'],
    ['one half', (id: string) => id.split('.')[0] ?? '', '400 malformed'],
    ['three parts', (id: string) => `${id}.AA`, '400 malformed'],
    ['nothing', () => '', '400 malformed'],
  ])('is refused for %s', async (_, change, expected) => {
    const { certId } = await subscriber.issue(['refused.example.com']);
    expect(refusal(await ask(change(certId)))).toBe(expected);
  });

  it('can be absent', async () => {
    const { ca } = await startPlainCa({ renewalInfo: false });
    const other = await aSubscriber(ca);
    try {
      const { json } = await other.raw.send('GET', ca.directoryUrl);
      expect(json).not.toHaveProperty('renewalInfo');
      const { order, certId } = await other.issue(['a.example.com'], { replaces: 'whatever' });
      expect(order.json).not.toHaveProperty('replaces');
      const reply = await other.raw.send('GET', `${other.raw.origin}/acme/renewal-info/${certId}`);
      expect(reply.status).toBe(404);
    } finally {
      other.raw.close();
      await ca.stop();
    }
  });
});

describe('a certificate identifier', () => {
  const keyId = '69885b6b87464041e1b37b847ba0ae2cde01c8d4';

  it('is read as the RFC prints it', () => {
    expect(readCertificateIdentifier('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE', keyId)).toBe('87654321');
  });

  it.each([
    ['a high bit without the zero before it', 'h2VDIQ'],
    ['a zero that nothing asks for', 'AAdlQyE'],
    ['two zeros', 'AACHZUMh'],
    ['zero', 'AA'],
  ])('is unknown with %s', (_, serial) => {
    const read = () => readCertificateIdentifier(`aYhba4dGQEHhs3uEe6CuLN4ByNQ.${serial}`, keyId);
    expect(read).toThrow(expect.objectContaining({ type: 'malformed', status: 404 }));
  });
});

describe('the suggested window', () => {
  const notBefore = new Date('2026-01-01T00:00:00Z');
  const after = (hours: number) => new Date(notBefore.getTime() + hours * 3_600_000);
  const lastSecond = (hours: number) => new Date(after(hours).getTime() - 1000);
  const hoursIn = (instant: Date) => Math.round((instant.getTime() - notBefore.getTime()) / 3_600_00) / 10;

  it.each([
    [90 * 24, 1418.4, 1461.6],
    [45 * 24, 709.2, 730.8],
    [160, 78.4, 81.6],
  ])('of %i hours is from %f to %f', (hours, start, end) => {
    const window = suggestWindow(notBefore, lastSecond(hours));
    expect([hoursIn(window.start), hoursIn(window.end)]).toEqual([start, end]);
  });
});
