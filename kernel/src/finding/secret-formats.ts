// All token formats, and the values that only their name gives away. The tables themselves are split by theme.
import { PLATFORM_FORMATS } from './secret-formats-platforms.ts';
import { SERVICE_FORMATS } from './secret-formats-services.ts';
import type { NamedSecretFormat, SecretFormat } from './secret-format.ts';

export const SECRET_FORMATS: readonly SecretFormat[] = [...PLATFORM_FORMATS, ...SERVICE_FORMATS];

const GITLEAKS = 'github.com/gitleaks/gitleaks, config/gitleaks.toml';

// oxfmt-ignore
const NAMED_ROWS: readonly (readonly [kind: string, provider: string, name: string, words: string, body: string, source: string])[] = [
  ['aws_secret_access_key', 'AWS', 'secret access key', 'aws secret|secret access key|aws key', 's40', 'docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html'],
  ['azure_account_key', 'Microsoft Azure', 'account key', 'azure key|account key|storage key', "s86 '=='", 'learn.microsoft.com/azure/storage/common/storage-account-keys-manage'],
  ['alibaba_secret', 'Alibaba Cloud', 'access key secret', 'alibaba|aliyun|access key secret', 'a30', GITLEAKS],
  ['heroku_api_key', 'Heroku', 'API key', 'heroku', 'U', GITLEAKS],
  ['snyk_token', 'Snyk', 'API token', 'snyk token|snyk key', 'U', GITLEAKS],
  ['sendbird_token', 'Sendbird', 'access token', 'sendbird token', 'h40', GITLEAKS],
  ['cloudflare_api_token', 'Cloudflare', 'API token', 'cloudflare token|cloudflare key|cf api token', 'b40', GITLEAKS],
  ['cloudflare_global_key', 'Cloudflare', 'global API key', 'cloudflare key|cf api key', 'h37', GITLEAKS],
  ['datadog_app_key', 'Datadog', 'application key', 'datadog key|datadog token|dd app key', 'l40', GITLEAKS],
  ['datadog_api_key', 'Datadog', 'API key', 'datadog key|datadog token|dd api key', 'h32', 'docs.datadoghq.com/account_management/api-app-keys'],
  ['twilio_auth_token', 'Twilio', 'auth token', 'twilio token|twilio secret', 'h32', 'twilio.com/docs/iam/api-keys'],
  ['algolia_api_key', 'Algolia', 'admin API key', 'algolia key', 'h32', GITLEAKS],
  ['facebook_app_secret', 'Meta', 'app secret', 'facebook secret|fb secret|facebook app secret', 'h32', GITLEAKS],
  ['discord_client_secret', 'Discord', 'client secret', 'discord secret', 'b32', GITLEAKS],
  ['discord_bot_token', 'Discord', 'bot token', 'discord token|bot token', "b24-28 '.' b6 '.' b27-38", 'discord.com/developers/docs/reference'],
  ['okta_api_token', 'Okta', 'API token', 'okta', "'00' b40", GITLEAKS],
  ['twitter_api_secret', 'X', 'API secret', 'twitter secret|consumer secret', 'a45-50', GITLEAKS],
  ['sentry_auth_token', 'Sentry', 'auth token', 'sentry token', 'h64', GITLEAKS],
  ['fastly_api_token', 'Fastly', 'API token', 'fastly', 'b32', GITLEAKS],
  ['zendesk_secret', 'Zendesk', 'secret key', 'zendesk', 'l40', GITLEAKS],
  ['cohere_api_key', 'Cohere', 'API key', 'cohere|co api key', 'a40', GITLEAKS],
  ['mistral_api_key', 'Mistral AI', 'API key', 'mistral key', 'a32', 'docs.mistral.ai/getting-started/quickstart'],
  ['netlify_token', 'Netlify', 'access token', 'netlify token', 'b40-46', GITLEAKS],
  ['coinbase_secret', 'Coinbase', 'access token', 'coinbase', 'b64', GITLEAKS],
  ['launchdarkly_token', 'LaunchDarkly', 'API token', 'launchdarkly|ld api key', "'api-' U", GITLEAKS],
];

/** Formats without a prefix of their own: critical when the name of the value says whose they are. */
export const NAMED_SECRET_FORMATS: readonly NamedSecretFormat[] = NAMED_ROWS.map(
  ([kind, provider, name, words, body, source]) => ({ kind, provider, name, words, body, source }),
);
