// Token formats of messaging, payment, monitoring and office services. A table: each line is a fact with the public
// page or file that it was taken from. Bodies are explained in secret-format.ts.
import { formatsOf } from './secret-format.ts';
import type { FormatRow } from './secret-format.ts';

const LEAKS = 'github.com/gitleaks/gitleaks, config/gitleaks.toml';
const BETTER = 'github.com/betterleaks/betterleaks, config/betterleaks.toml';
const HOG = 'github.com/trufflesecurity/trufflehog, pkg/detectors';
const HOG_DB = 'github.com/mazen160/secrets-patterns-db, datasets/trufflehog-v3.yml';
const LINT = 'github.com/secretlint/secretlint, packages/@secretlint';
// The page names these tokens without their shape, which is the one that public scanner rules agree on.
const NAMED =
  'docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns, with the shape of public rules';
const SLACK = 'docs.slack.dev/authentication/tokens';
const STRIPE = 'docs.stripe.com/keys';
const STRICT = { strict: true } as const;
// Discord ids are decimal numbers in base64, so a bot token can only begin in these ways.
const DISCORD_STARTS = ['MD', 'MT', 'Mj', 'Mz', 'ND', 'NT', 'Nj', 'Nz', 'OD', 'OT'].flatMap((start) =>
  Array.from('AEIMQUYcgk', (third) => start + third),
);

// oxfmt-ignore
const ROWS: readonly FormatRow[] = [
  // Messaging and mail.
  ['slack_bot_token', 'Slack', 'bot token', 'xoxb-', 'b10-120', SLACK],
  ['slack_user_token', 'Slack', 'user token', 'xoxp-', 'b10-120', SLACK],
  ['slack_workspace_token', 'Slack', 'workspace token', ['xoxa-', 'xoxr-'], 'b10-120', SLACK],
  ['slack_legacy_token', 'Slack', 'legacy token', ['xoxo-', 'xoxs-'], 'b10-120', SLACK],
  ['slack_session', 'Slack', 'browser session', ['xoxc-', 'xoxd-'], 't10-300', BETTER],
  ['slack_config_token', 'Slack', 'configuration token', ['xoxe-', 'xoxe.xoxp-', 'xoxe.xoxb-'], 'b20-300', SLACK],
  ['slack_app_token', 'Slack', 'app-level token', 'xapp-', 'b20-200', SLACK],
  ['slack_webhook', 'Slack', 'incoming webhook', ['hooks.slack.com/services/', 'hooks.slack.com/workflows/', 'hooks.slack.com/triggers/'], 's20-80', LEAKS],
  ['discord_webhook', 'Discord', 'webhook', ['discord.com/api/webhooks/', 'discordapp.com/api/webhooks/'], "d17-20 '/' b60-80", 'discord.com/developers/docs/resources/webhook'],
  ['teams_webhook', 'Microsoft', 'Teams webhook', '.webhook.office.com/webhookb2/', "l8 '-' l4 '-' l4 '-' l4 '-' l12 '@' l8 '-' l4 '-' l4 '-' l4 '-' l12 '/IncomingWebhook/' l32 '/' b36", LEAKS],
  ['telegram_bot_token', 'Telegram', 'bot token', ':AA', 'b32-34', 'core.telegram.org/bots/features', { lead: 'd8-12' }],
  ['discord_bot_token', 'Discord', 'bot token', DISCORD_STARTS, "b20-25 '.' b6 '.' b27-40", 'github.com/Yelp/detect-secrets, detect_secrets/plugins/discord.py'],
  ['twilio_key', 'Twilio', 'API key', 'SK', 'H32', LEAKS, STRICT],
  ['twilio_account', 'Twilio', 'account SID', 'AC', 'H32', `${HOG}/twilio`, { strict: true, guess: true }],
  ['sendgrid_key', 'SendGrid', 'API key', 'SG.', "b20-24 '.' b39-50", 'docs.sendgrid.com, API keys'],
  ['sendgrid_key_loose', 'SendGrid', 'API key', 'SG.', 't66', LEAKS, STRICT],
  ['mailgun_key', 'Mailgun', 'API key', 'key-', 'l32', LEAKS, STRICT],
  ['mailchimp_key', 'Mailchimp', 'API key', '-us', 'd1-2', LEAKS, { lead: 'h32' }],
  ['mandrill_key', 'Mailchimp', 'Transactional API key', 'md-', 'b22', NAMED, STRICT],
  ['brevo_key', 'Brevo', 'API key', 'xkeysib-', "h64 '-' a16", LEAKS],
  ['zapier_webhook', 'Zapier', 'webhook', 'hooks.zapier.com/hooks/catch/', "d5-9 '/' a6-10", HOG_DB],
  ['ubidots_token', 'Ubidots', 'API token', 'BBFF-', 'a30', HOG_DB],
  ['pubnub_key', 'PubNub', 'publish or subscribe key', ['pub-c-', 'sub-c-', 'sec-c-'], "l8-48 '-' l4 '-' l4 '-' l4 '-' l12", HOG_DB],
  ['brevo_smtp_key', 'Brevo', 'SMTP key', 'xsmtpsib-', "h64 '-' a16", NAMED],
  ['resend_key', 'Resend', 'API key', 're_', "a6-10 '_' a20-30", 'resend.com/docs/api-reference/introduction'],
  ['telnyx_key', 'Telnyx', 'API key', 'KEY', "u32 '_' a22", NAMED],
  ['intercom_token', 'Intercom', 'access token', 'dG9rO', "s40-80 '='", NAMED],
  ['klaviyo_key', 'Klaviyo', 'private API key', 'pk_', 'h34', 'developers.klaviyo.com', STRICT],
  // Payment and trade.
  ['stripe_secret_key', 'Stripe', 'secret key', ['sk_live_', 'sk_test_', 'sk_prod_'], 'a10-250', STRIPE],
  ['stripe_restricted_key', 'Stripe', 'restricted key', ['rk_live_', 'rk_test_', 'rk_prod_'], 'a10-250', STRIPE],
  ['webhook_secret', 'Stripe, Svix', 'webhook signing secret', 'whsec_', 's24-80', STRIPE],
  ['square_token', 'Square', 'access token', ['sq0atp-', 'EAAA'], 'b22-64', LEAKS, STRICT],
  ['square_app_secret', 'Square', 'application id or secret', ['sq0idp-', 'sq0cgp-'], 'b22-50', HOG_DB],
  ['square_secret', 'Square', 'OAuth secret', 'sq0csp-', 'b43', 'github.com/mazen160/secrets-patterns-db, datasets/high-confidence.yml'],
  ['braintree_token', 'PayPal', 'Braintree access token', ['access_token$production$', 'access_token$sandbox$'], "l16 '$' h32", 'github.com/mazen160/secrets-patterns-db, datasets/high-confidence.yml'],
  ['plaid_token', 'Plaid', 'access token', ['access-production-', 'access-sandbox-', 'access-development-'], 'U', LEAKS],
  ['razorpay_key', 'Razorpay', 'key', ['rzp_live_', 'rzp_test_'], 'a14', NAMED],
  ['flutterwave_key', 'Flutterwave', 'secret key', ['FLWSECK-', 'FLWSECK_TEST-'], 'a12-40', LEAKS],
  ['mollie_key', 'Mollie, Lob, Column', 'API key', 'live_', 'a27-45', NAMED, STRICT],
  ['lob_test_key', 'Lob', 'test API key', 'test_', 'h35', LEAKS, STRICT],
  ['paystack_key', 'Paystack', 'secret key', ['sk_live_', 'sk_test_'], 'a40', HOG_DB],
  ['ramp_secret', 'Ramp', 'client secret', 'ramp_sec_', 'a48', `${HOG}/ramp`],
  ['woocommerce_key', 'WooCommerce', 'REST API key', ['ck_', 'cs_'], 'h40', 'woocommerce.github.io/woocommerce-rest-api-docs', STRICT],
  ['fleetbase_key', 'Fleetbase', 'API key', 'flb_live_', 'a20', HOG_DB],
  ['asaas_key', 'Asaas', 'API key', '$aact_', 't60-250', 'docs.asaas.com, authentication'],
  ['canva_secret', 'Canva', 'client secret', 'cnvca', 'b51', BETTER, STRICT],
  ['checkout_key', 'Checkout.com', 'secret key', 'sk_sbox_', 'l20-40', NAMED],
  ['xendit_key', 'Xendit', 'API key', ['xnd_production_', 'xnd_development_'], 'a40-80', NAMED],
  ['midtrans_key', 'Midtrans', 'server key', ['Mid-server-', 'SB-Mid-server-'], 'b20-40', NAMED],
  ['paddle_key', 'Paddle', 'API key', ['pdl_live_apikey_', 'pdl_sdbx_apikey_'], "l26 '_' a22 '_' a3", NAMED],
  ['shopify_token', 'Shopify', 'access token', 'shpat_', 'a32-64', `${LINT}/secretlint-rule-shopify`],
  ['shopify_custom_token', 'Shopify', 'custom app token', 'shpca_', 'a32-64', `${LINT}/secretlint-rule-shopify`],
  ['shopify_private_token', 'Shopify', 'private app password', 'shppa_', 'a32-64', `${LINT}/secretlint-rule-shopify`],
  ['shopify_secret', 'Shopify', 'shared secret', 'shpss_', 'a32-64', `${LINT}/secretlint-rule-shopify`],
  ['shopify_user_token', 'Shopify', 'customer or theme token', ['shpua_', 'shptka_', 'shpit_'], 'H32', NAMED],
  ['duffel_token', 'Duffel', 'API token', ['duffel_live_', 'duffel_test_'], 't43', LEAKS],
  ['easypost_key', 'EasyPost', 'API key', ['EZAK', 'EZTK'], 'a54', LEAKS],
  ['shippo_token', 'Shippo', 'API token', ['shippo_live_', 'shippo_test_'], 'H40', LEAKS],
  ['persona_key', 'Persona', 'API key', ['persona_production_', 'persona_sandbox_'], 'b30-60', NAMED],
  ['calcom_key', 'Cal.com', 'API key', 'cal_live_', 'h32', 'cal.com/docs/api-reference'],
  ['settlemint_token', 'SettleMint', 'access token', ['sm_aat_', 'sm_pat_', 'sm_sat_'], 'a16', LEAKS],
  ['stytch_secret', 'Stytch', 'project secret', ['secret-live-', 'secret-test-'], 'b30-50', NAMED],
  ['statsig_key', 'Statsig', 'server secret key', 'secret-', 'a40-50', NAMED, STRICT],
  // Monitoring.
  ['newrelic_user_key', 'New Relic', 'user key', 'NRAK-', 'a27', LEAKS],
  ['newrelic_insert_key', 'New Relic', 'insert key', 'NRII-', 'b32', LEAKS],
  ['newrelic_query_key', 'New Relic', 'Insights query key', 'NRIQ-', 'b25-32', `${HOG}/newrelicpersonalapikey`],
  ['newrelic_browser_key', 'New Relic', 'browser key', 'NRJS-', 'H19', LEAKS],
  ['newrelic_licence_key', 'New Relic', 'licence key', ['FFFFNRAL', 'NRAL'], '', NAMED, { lead: 'H32-36' }],
  ['grafana_service_token', 'Grafana', 'service account token', 'glsa_', "a32 '_' H8", 'github.com/grafana/grafana, pkg/components/satokengen', { checksum: 'crc32_grafana' }],
  ['grafana_cloud_token', 'Grafana', 'cloud access policy token', 'glc_', 's32-400', LEAKS],
  ['grafana_key', 'Grafana', 'API key (legacy)', 'eyJrIjoi', 's40-400', LEAKS],
  ['sentry_org_token', 'Sentry', 'organisation token', 'sntrys_eyJ', 't60-500', LEAKS],
  ['sentry_user_token', 'Sentry', 'user token', ['sntryu_', 'sntrya_', 'sntryi_'], 'h64', 'github.com/getsentry/sentry, src/sentry/types/token.py'],
  ['dynatrace_token', 'Dynatrace', 'API token', ['dt0c01.', 'dt0s01.', 'dt0s16.'], "a8-24 '.' a64", 'docs.dynatrace.com, access tokens'],
  ['honeycomb_key', 'Honeycomb', 'API key', ['hcaik_', 'hcamk_', 'hcxik_', 'hcalk_'], 'l50-70', NAMED],
  ['posthog_key', 'PostHog', 'personal API key', ['phx_', 'phs_'], 'b40-50', `${HOG}/posthog`],
  ['launchdarkly_key', 'LaunchDarkly', 'server SDK key', 'sdk-', 'U', NAMED, STRICT],
  ['axiom_token', 'Axiom', 'token', ['xaat-', 'xapt-'], 'U', NAMED],
  ['rootly_key', 'Rootly', 'API key', 'rootly_', 'h64', `${HOG}/rootly`],
  // Work and office.
  ['linear_key', 'Linear', 'API key', 'lin_api_', 'w32-128', `${LINT}/secretlint-rule-linear`],
  ['linear_oauth_token', 'Linear', 'OAuth token', 'lin_oauth_', 'h64', NAMED],
  ['notion_token', 'Notion', 'integration token', 'ntn_', 'd11 a35', `${LINT}/secretlint-rule-notion`],
  ['notion_legacy_token', 'Notion', 'integration token (legacy)', 'secret_', 'a43', HOG_DB, STRICT],
  ['figma_token', 'Figma', 'personal access token', ['figd_', 'figo_', 'figu_', 'figp_'], 't36-200', `${LINT}/secretlint-rule-figma`],
  ['asana_token', 'Asana', 'personal access token', ['1/', '2/'], "d13-17 ':' a32", HOG_DB],
  ['airtable_token', 'Airtable', 'personal access token', 'pat', "a14 '.' h64", LEAKS],
  ['typeform_token', 'Typeform', 'personal access token', 'tfp_', 't40-60', LEAKS],
  ['contentful_token', 'Contentful', 'personal access token', 'CFPAT-', 'b43', `${HOG}/contentfulpersonalaccesstoken`],
  ['dropbox_token', 'Dropbox', 'short-lived token', 'sl.', 't130-1200', LEAKS, STRICT],
  ['hubspot_token', 'HubSpot', 'private app token', ['pat-na1-', 'pat-na2-', 'pat-eu1-', 'pat-ap1-'], 'b36', `${HOG}/hubspotapikey`],
  ['salesforce_token', 'Salesforce', 'access token', '00D', "a12-15 '!' t80-120", NAMED],
  ['frameio_token', 'Frame.io', 'API token', 'fio-u-', 't64', LEAKS],
  ['clickup_token', 'ClickUp', 'personal token', 'pk_', "d6-10 '_' a32", BETTER],
  ['adobe_secret', 'Adobe', 'client secret', 'p8e-', 'a32', LEAKS],
  ['readme_key', 'ReadMe', 'API key', 'rdme_', 'l70', LEAKS],
  ['mapbox_token', 'Mapbox', 'secret token', 'sk.eyJ', "b50-240 '.' b20-30", HOG_DB],
  ['maxmind_key', 'MaxMind', 'licence key', '_mmk', '', LEAKS, { lead: 'w36' }],
  ['zoho_token', 'Zoho', 'access token', '1000.', "h32 '.' h32", 'zoho.com/accounts/protocol/oauth'],
  ['linkedin_secret', 'LinkedIn', 'client secret', 'WPL_AP1.', "a16 '.' s4-12", NAMED],
  ['facebook_token', 'Meta', 'access token', ['EAAM', 'EAAC', 'EAAB', 'EAAG'], 'a80-400', LEAKS, STRICT],
  ['instagram_token', 'Meta', 'Instagram token', ['IGQV', 'IGAA'], 'b80-400', NAMED, STRICT],
  ['x_bearer_token', 'X', 'app bearer token', 'AAAAAAAAAAAAAAAAAAAAA', 't60-100', LEAKS, STRICT],
  ['wakatime_key', 'WakaTime', 'API key', 'waka_', 'U', 'wakatime.com/developers'],
  ['adafruit_key', 'Adafruit', 'IO key', 'aio_', 'a28', HOG_DB],
  ['configcat_sdk_key', 'ConfigCat', 'SDK key', 'configcat-sdk-1/', "b22 '/' b22", BETTER],
  ['teamwork_token', 'Teamwork', 'API token', 'tkn.v1_', 'a71-90', HOG_DB],
  ['foursquare_key', 'Foursquare', 'service key', 'fsq3', 's40-60', 'docs.foursquare.com/developer/reference', STRICT],
  ['intra42_secret', '42', 'client secret', ['s-s4t2ud-', 's-s4t2af-'], 'H64', LEAKS],
  ['ionic_token', 'Ionic', 'personal access token', 'ion_', 'a42', NAMED],
  ['deno_token', 'Deno', 'deploy token', ['ddp_', 'ddo_', 'ddw_'], 'a36', BETTER],
  ['valtown_token', 'Val Town', 'API token', 'vtwn_', 'a22-40', 'docs.val.town/api/authentication'],
  ['trigger_key', 'Trigger.dev', 'secret key', ['tr_prod_', 'tr_dev_', 'tr_stg_'], 'a16-40', 'trigger.dev/docs/apikeys'],
  ['inngest_key', 'Inngest', 'signing key', ['signkey-prod-', 'signkey-test-', 'signkey-branch-'], 'h32-64', 'inngest.com/docs/platform/signing-keys'],
  ['liveblocks_key', 'Liveblocks', 'secret key', 'sk_dev_', 'b40-90', 'liveblocks.io/docs/authentication'],
  ['kong_token', 'Kong', 'Konnect token', ['kpat_', 'spat_'], 'a40-60', 'developer.konghq.com, Konnect API'],
  ['unkey_key', 'Unkey', 'root key', 'unkey_', 'a20-40', 'unkey.com/docs'],
  // Requests written out.
  ['bearer_token', 'RFC 6750', 'bearer token', ['Bearer ', 'bearer '], 't20-4000', 'RFC 6750, section 2.1', { label: true, strict: true }],
  ['authorization_token', 'HTTP', 'token in an Authorization header', ['Authorization: Token ', 'Authorization: token ', 'Authorization: Bot ', 'Authorization: SSWS ', 'Authorization: ApiKey '], 't12-4000', 'RFC 9110, section 11.6.2', { label: true, strict: true }],
  ['basic_auth_header', 'RFC 7617', 'basic credentials', ['Authorization: Basic ', 'authorization: Basic ', 'Authorization: basic ', 'authorization: basic '], 's8-400', 'RFC 7617, section 2', { label: true }],
  ['basic_auth', 'RFC 7617', 'basic credentials', ['Basic ', 'basic '], 's16-400', 'RFC 7617, section 2', { label: true, strict: true }],
  ['session_cookie', 'HTTP', 'session cookie', ['sessionid=', 'session_id=', 'JSESSIONID=', 'PHPSESSID=', 'connect.sid='], 't20-400', 'RFC 6265, section 8', { label: true, strict: true }],
  ['url_token', 'RFC 6750', 'token in a query', ['access_token=', 'auth_token=', 'private_token=', 'refresh_token='], 't20-2000', 'RFC 6750, section 2.3', { label: true, strict: true }],
];

export const SERVICE_FORMATS = formatsOf(ROWS);
