import { type Probe, probeEndpoint } from '../../verify/probe.ts';
import { withoutRecording } from '../connections/tls-recorder.socket.ts';

/** Looks at a peer without leaving a connection in the run's record: nothing of the run went over it. */
export const probeUnrecorded: Probe = (request) => withoutRecording(() => probeEndpoint(request));
