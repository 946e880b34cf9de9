// Runs inside an execution environment, a worker thread: what Lambda's Node.js runtime does for a function.
import { createRequire, enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import {
  type InvocationMessage,
  type RuntimeMessage,
  type RuntimeSettings,
  toFunctionError,
} from './messages.ts';

type Handler = (event: unknown, context: unknown) => unknown;

const settings: RuntimeSettings = workerData;
const tell = (message: RuntimeMessage) => parentPort?.postMessage(message);

function loadHandler(): Handler {
  if (settings.compileCacheDirectory) enableCompileCache(settings.compileCacheDirectory);
  const bundle: Record<string, unknown> = createRequire(settings.bundlePath)(settings.bundlePath);
  const handler = bundle[settings.handler];
  if (typeof handler === 'function') return handler as Handler;
  const missing = new Error(`${settings.bundlePath} does not export ${settings.handler}`);
  missing.name = 'Runtime.HandlerNotFound';
  throw missing;
}

const contextOf = ({ requestId, deadlineAt, clientContext }: InvocationMessage) => ({
  awsRequestId: requestId,
  functionName: settings.functionName,
  functionVersion: '$LATEST',
  invokedFunctionArn: settings.functionArn,
  memoryLimitInMB: String(settings.memoryMegabytes),
  logGroupName: `/aws/lambda/${settings.functionName}`,
  logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  callbackWaitsForEmptyEventLoop: true,
  clientContext: clientContext === undefined ? undefined : JSON.parse(clientContext),
  getRemainingTimeInMillis: () => Math.max(0, deadlineAt - Date.now()),
});

/** Resolves when the host has taken everything printed so far, so that logs precede their outcome. */
const flush = (stream: NodeJS.WriteStream) =>
  new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });

async function run(handler: Handler, invocation: InvocationMessage): Promise<RuntimeMessage> {
  try {
    const result = await handler(JSON.parse(invocation.payload), contextOf(invocation));
    return { kind: 'returned', payload: JSON.stringify(result) ?? 'null' };
  } catch (thrown) {
    const error = toFunctionError(thrown);
    console.error(`${invocation.requestId}\tERROR\tInvoke Error\t${JSON.stringify(error)}`);
    return { kind: 'failed', error };
  }
}

try {
  const handler = loadHandler();
  parentPort?.on('message', async (invocation: InvocationMessage) => {
    const outcome = await run(handler, invocation);
    await Promise.all([flush(process.stdout), flush(process.stderr)]);
    tell(outcome);
  });
  tell({ kind: 'loaded' });
} catch (thrown) {
  tell({ kind: 'not-loaded', error: toFunctionError(thrown) });
}
