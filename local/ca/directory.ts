import type { AcmeReply, Authority } from './authority.ts';

/** The directory (RFC 8555, 7.1.1). */
export function showDirectory({ urls, externalAccounts }: Authority): AcmeReply {
  const { newNonce, newAccount, newOrder, revokeCert, keyChange, termsOfService } = urls;
  return {
    status: 200,
    json: {
      newNonce,
      newAccount,
      newOrder,
      revokeCert,
      keyChange,
      meta: {
        termsOfService,
        website: urls.origin,
        ...(externalAccounts === undefined ? {} : { externalAccountRequired: true }),
      },
    },
  };
}

export const showTermsOfService = (): AcmeReply => ({
  status: 200,
  text: { type: 'text/plain', body: 'Certificates of this CA are for use on this machine alone.\n' },
});
