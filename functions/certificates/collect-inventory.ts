import * as z from 'zod';
import { collectInventory as collectInventoryEvent } from '../../events/collect-inventory.ts';
import { findAuthority } from '../../shared/acme/catalogue.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { collectInventory } from '../../shared/inventory/collect.ts';
import { readInventory } from '../../shared/inventory/sources/registry.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { asFailure } from '../../shared/runtime/errors.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';

const config = parseConfig(
  z.object({ CERTIFICATES_TABLE: z.string(), INVENTORY_URI: z.string() }),
  process.env,
);
const certificates = createDynamoDbCertificateStore(createDynamoDb(), config.CERTIFICATES_TABLE);

export const handler = createHandler({
  event: collectInventoryEvent,
  async run(event, { deadline }, { invokedFunctionArn }) {
    // `sls invoke local` gives no ARN; it names its source.
    const account = invokedFunctionArn?.split(':')[4] ?? '';
    const source = event.source ?? config.INVENTORY_URI.replace('{account}', account);
    const text = await readInventory(source, { signal: deadline.signal });
    const retirements = event.confirmRetirements ? 'confirmed' : 'guarded';
    const result = await collectInventory(
      { text, source, retirements },
      { certificates, clock: systemClock, findCaProblem },
    );
    const { total, appeared, changed, vanished } = result;
    logger.info('inventory collected', { source, total, appeared, changed, vanished });
    return result;
  },
});

function findCaProblem(ca: string): string | undefined {
  try {
    findAuthority(ca);
    return undefined;
  } catch (error) {
    return asFailure(error).message;
  }
}
