import { etlChunk } from '../../events/etl-chunk.ts';
import { createCarryHandler } from '../../shared/etl/chain/carry-handler.aws.ts';

export const handler = createCarryHandler('extract', etlChunk, process.env);
