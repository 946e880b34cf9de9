import { childrenCpuMillis } from '../measure.ts';
import { servePeer } from '../peer.ts';
import { runCommand } from './command.ts';

/** lego 4: one process per certificate, all over one account in the scratch directory. */
servePeer(async ({ directoryUrl, program = 'lego', rootsFile, scratch, webroot }) => ({
  cpuMillis: childrenCpuMillis,
  renew: (name) =>
    runCommand(
      program,
      [
        ...['--server', directoryUrl, '--path', scratch, '--accept-tos', '--email', 'bench@example.com'],
        ...['--key-type', 'ec256', '--http', '--http.webroot', webroot, '--domains', name, 'run'],
      ],
      { LEGO_CA_CERTIFICATES: rootsFile },
    ),
}));
