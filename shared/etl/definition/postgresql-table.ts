import { z } from 'zod';
import { certificateId, hostName, secretName, sqlName } from './names.ts';

/** A table of a PostgreSQL server, and who logs in there; connections are always verified in full. */
export const postgresqlTable = {
  type: z.literal('postgresql'),
  host: hostName,
  port: z.int().min(1).max(65_535).default(5_432),
  database: sqlName,
  user: z.string().min(1).max(63),
  passwordSecret: secretName.optional(),
  clientCertificate: certificateId.optional(),
  caSecret: secretName.optional(),
  schema: sqlName.default('public'),
  table: sqlName,
};
