// A provider on loopback with two people; its own pages for development ask for the name, and for consent.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, clientId, clientSecret, ours, installed] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${installed}/`).resolve('oidc-provider')));
const groups = { ann: ['orchestra-editors'], olga: ['orchestra-admins', 'staff'], tim: ['staff'] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [`${ours}/login/openid/back`],
    post_logout_redirect_uris: [`${ours}/login`],
  }],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  cookies: { keys: ['for a test'] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id} example`, preferred_username: id, groups: groups[id] ?? [] }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
