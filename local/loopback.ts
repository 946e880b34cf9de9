import type { AddressInfo, Server } from 'node:net';

/** The port a listening server was given. */
export const portOf = (server: Pick<Server, 'address'>): number => (server.address() as AddressInfo).port;
