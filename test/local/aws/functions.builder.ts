import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FunctionPlan, StackPlan } from '../../../local/aws/stack-plan.ts';

export const aFunction = (name: string, changes: Partial<FunctionPlan> = {}): FunctionPlan => ({
  name: `fleet-dev-${name}`,
  arn: `arn:aws:lambda:eu-west-1:000000000000:function:fleet-dev-${name}`,
  bundle: name,
  handler: 'handler',
  timeoutSeconds: 10,
  memoryMegabytes: 128,
  reservedConcurrency: undefined,
  environment: {},
  ...changes,
});

export const aStack = (changes: Partial<StackPlan> = {}): StackPlan => ({
  region: 'eu-west-1',
  tables: [],
  queues: [],
  topics: [],
  subscriptions: [],
  buckets: [],
  keys: [],
  keyAliases: [],
  functions: [],
  eventSources: [],
  asyncInvokes: [],
  schedules: [],
  functionUrls: [],
  ...changes,
});

/** Writes each handler's body, a function of `event` and `context`, as a bundle of its own. */
export async function writeBundles(bodies: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), 'certfleet-bundles-'));
  for (const [name, body] of Object.entries(bodies)) {
    const source = `let count = 0; exports.handler = async (event, context) => { count += 1; ${body} };\n`;
    await writeFile(join(directory, `${name}.cjs`), source);
  }
  return { directory, remove: () => rm(directory, { recursive: true }) };
}
