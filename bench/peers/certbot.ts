import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { childrenCpuMillis } from '../measure.ts';
import { servePeer } from '../peer.ts';
import { runCommand } from './command.ts';

/**
 * certbot: one process per certificate. It locks its directories, so every slot has its own, with a copy of the
 * one account.
 */
servePeer(async ({ concurrency, directoryUrl, program = 'certbot', rootsFile, scratch, webroot }) => {
  const directoryOf = (slot: number) => join(scratch, `slot-${slot}`);
  const certbot = (slot: number, args: readonly string[]) => {
    const directory = directoryOf(slot);
    const directories = ['--config-dir', directory, '--work-dir', directory, '--logs-dir', directory];
    const common = ['--non-interactive', '--server', directoryUrl, ...directories];
    return runCommand(program, [...args, ...common], { REQUESTS_CA_BUNDLE: rootsFile });
  };
  return {
    cpuMillis: childrenCpuMillis,
    async prepare() {
      await certbot(0, ['register', '--agree-tos', '--email', 'bench@example.com', '--no-eff-email']);
      for (let slot = 1; slot < concurrency; slot++)
        await cp(join(directoryOf(0), 'accounts'), join(directoryOf(slot), 'accounts'), { recursive: true });
    },
    renew: (name, slot) =>
      certbot(slot, [
        ...['certonly', '--webroot', '--webroot-path', webroot, '--domain', name],
        ...['--key-type', 'ecdsa', '--elliptic-curve', 'secp256r1'],
      ]),
  };
});
