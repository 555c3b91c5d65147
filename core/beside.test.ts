import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { beside, finishing } from './beside.ts';

it('goes on next to what follows, and is waited for at the end', async () => {
  const order: string[] = [];
  const result = await finishing(async () => {
    await beside(async () => {
      await sleep(5);
      order.push('beside');
      await beside(async () => {
        await sleep(1);
        order.push('next to that');
      });
    });
    order.push('next');
    return 'answer';
  });
  order.push('end');
  expect([result, ...order]).toEqual(['answer', 'next', 'beside', 'next to that', 'end']);
});

it('fails the function with its error, unless the function has one of its own', async () => {
  const lost = () => beside(() => Promise.reject(new Error('lost')));
  await expect(finishing(lost)).rejects.toThrow('lost');
  const both = finishing(async () => {
    await lost();
    throw new Error('own');
  });
  await expect(both).rejects.toThrow('own');
});

it('is waited for at once where no one waits at the end', async () => {
  let done = false;
  await beside(async () => {
    await sleep(1);
    done = true;
  });
  expect(done).toBe(true);
});
