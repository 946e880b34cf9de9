import * as z from 'zod';
import { renewalWork } from '../../events/renewal-work.ts';
import { createAwsRunnerPorts } from '../../shared/renewal/runner-ports.aws.ts';
import { createVerifySteps } from '../../shared/renewal/steps/verify.ts';
import { createWorkHandler } from '../../shared/renewal/work-handler.ts';
import { parseConfig } from '../../shared/runtime/config.ts';

const config = parseConfig(
  z.object({
    /** `host:port` that stands in for every endpoint, as curl's --connect-to does. */
    VERIFY_CONNECT_TO: z
      .string()
      .regex(/^[^:]+:\d{1,5}$/, 'must be host:port')
      .optional(),
    /** PEM, for certificates of a private CA. */
    VERIFY_CA_ROOTS: z.string().optional(),
  }),
  process.env,
);
const [host, port] = config.VERIFY_CONNECT_TO?.split(':') ?? [];
const connectTo = host && port ? { host, port: Number(port) } : undefined;
const ports = createAwsRunnerPorts(process.env);

export const handler = createWorkHandler({
  message: renewalWork,
  ports,
  createSteps: () => createVerifySteps({ connectTo, roots: config.VERIFY_CA_ROOTS, clock: ports.clock }),
});
