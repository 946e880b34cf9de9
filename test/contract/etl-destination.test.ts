import { createMemoryDestination } from '../../shared/etl/destinations/destination.memory.ts';
import { describeDestinationContract } from './etl-destination.ts';

describeDestinationContract('memory', async () => {
  const destination = createMemoryDestination();
  return { destination, rows: async () => destination.rows() };
});
