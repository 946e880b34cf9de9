import type { ServiceCall } from './call.ts';

/** A call of Lambda on one function. */
export function readLambdaCall(name: 'InvokeFunction' | 'GetFunction', functionArn: string): ServiceCall {
  const operation = `lambda:${name}`;
  return { operation, needs: [{ action: operation, resource: functionArn }] };
}
