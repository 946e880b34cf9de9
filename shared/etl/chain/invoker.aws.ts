import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Failure } from '../../runtime/errors.ts';
import { endpointTlsFailure } from '../connections/endpoint-tls.ts';
import type { Stage } from '../ledger/run.ts';
import type { Invoker } from './ports.ts';

const workers: Readonly<Record<Stage, string>> = {
  extract: 'extract-records',
  transform: 'transform-records',
  load: 'load-records',
};

export const createLambda = (): LambdaClient =>
  new LambdaClient({
    maxAttempts: 4,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/** Starts the functions named `<prefix>-<function>` asynchronously, with pointers alone. */
export function createLambdaInvoker(client: LambdaClient, prefix: string): Invoker {
  const start = async (name: string, event: object): Promise<void> => {
    const FunctionName = `${prefix}-${name}`;
    try {
      const Payload = Buffer.from(JSON.stringify(event));
      await client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
    } catch (cause) {
      const untrusted = endpointTlsFailure(cause, 'the endpoint of Lambda');
      if (untrusted) throw untrusted;
      throw new Failure({
        code: 'invoke-unavailable',
        disposition: 'retry',
        message: `${FunctionName} cannot be started (${(cause as Error).name}); check the role and the endpoint`,
        cause,
      });
    }
  };
  return {
    carry: (stage, { pipeline, runId, chunkId }) => start(workers[stage], { pipeline, runId, chunkId }),
    report: ({ pipeline, scopeKey }) => start('report-etl', { pipeline, scopeKey }),
    expire: ({ pipeline, configHash }) => start('report-etl', { pipeline, expire: configHash }),
    // Each by itself: one that is in no inventory is refused, and would take the others with it.
    renew: async (names) => {
      for (const name of names)
        await start('schedule-renewals', { trigger: 'manual', force: true, names: [name] });
    },
  };
}
