import { expect, it } from 'vitest';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { startDeadline } from '../../../shared/runtime/deadline.ts';
import { shareSuccess } from '../../../shared/runtime/share-success.ts';

it('a deadline aborts its signal when its time is up, or when the work is over', async () => {
  const stopped = startDeadline(systemClock, 60_000);
  expect(stopped.signal.aborted).toBe(false);
  stopped.stop();
  const ended = startDeadline(systemClock, 30);
  await new Promise((resolve) => ended.signal.addEventListener('abort', resolve));
  expect(ended.signal.reason).toMatchObject({ code: 'deadline' });
  expect(ended.remainingMillis()).toBe(0);
  expect(stopped.signal.aborted).toBe(true);
});

it('a sleep ends with the reason of its signal', async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error('stop'));
  await expect(sleeping).rejects.toThrow('stop');
  await expect(systemClock.sleep(60_000, controller.signal)).rejects.toThrow('stop');
});

it('a shared call runs once while it runs and after it succeeded, and again after it failed', async () => {
  let calls = 0;
  const call = shareSuccess(async () => {
    calls += 1;
    if (calls === 1) throw new Error('first');
    return calls;
  });
  await Promise.all([expect(call()).rejects.toThrow('first'), expect(call()).rejects.toThrow('first')]);
  expect(await Promise.all([call(), call()])).toEqual([2, 2]);
  expect(await call()).toBe(2);
});
