import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Disposition, Failure } from '../../shared/runtime/errors.ts';
import { type DnsServerOptions, startDnsServer } from './server.ts';

type ThreadOptions = Pick<DnsServerOptions, 'port' | 'tsig'>;

type Started =
  | { readonly port: number }
  | { readonly code: string; readonly disposition: Disposition; readonly message: string };

/**
 * The DNS server on a thread of its own. A CA looks every name up several times, each over a connection of its
 * own; between the stack's other servers those time out.
 * @throws Failure as `startDnsServer`
 */
export async function startDnsThread(
  options: ThreadOptions,
): Promise<{ port: number; stop(): Promise<void> }> {
  const { port, tsig } = options;
  const worker = new Worker(new URL(import.meta.url), { workerData: { dnsThread: { port, tsig } } });
  const [started] = (await once(worker, 'message')) as [Started];
  if ('code' in started) {
    await worker.terminate();
    throw new Failure(started);
  }
  return {
    port: started.port,
    async stop() {
      await worker.terminate();
    },
  };
}

if (parentPort && workerData?.dnsThread) {
  const started = await startDnsServer(workerData.dnsThread as ThreadOptions).then(
    ({ port }): Started => ({ port }),
    ({ code, disposition, message }: Failure): Started => ({
      code: code ?? 'unexpected',
      disposition: disposition ?? 'bug',
      message,
    }),
  );
  parentPort.postMessage(started);
}
