import type { AcmeReply, Authority } from './authority.ts';

/** The directory (RFC 8555, 7.1.1). */
export function showDirectory(authority: Authority): AcmeReply {
  const { urls, externalAccounts, profiles, renewalInfo } = authority;
  const { newNonce, newAccount, newOrder, revokeCert, keyChange, termsOfService } = urls;
  const offered = Object.keys(profiles.named).map((name) => [name, `${urls.profiles}#${name}`]);
  return {
    status: 200,
    json: {
      newNonce,
      newAccount,
      newOrder,
      revokeCert,
      keyChange,
      ...(renewalInfo === undefined ? {} : { renewalInfo: urls.renewalInfo }),
      meta: {
        termsOfService,
        website: urls.origin,
        ...(offered.length === 0 ? {} : { profiles: Object.fromEntries(offered) }),
        ...(externalAccounts === undefined ? {} : { externalAccountRequired: true }),
      },
    },
  };
}

export const showTermsOfService = (): AcmeReply => ({
  status: 200,
  text: { type: 'text/plain', body: 'Certificates of this CA are for use on this machine alone.\n' },
});

export const showRateLimits = (): AcmeReply => ({
  status: 200,
  text: { type: 'text/plain', body: 'Limits are token buckets; wait as long as Retry-After says.\n' },
});

export const showProfiles = ({ profiles }: Authority): AcmeReply => ({ status: 200, json: profiles.named });
