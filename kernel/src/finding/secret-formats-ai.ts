// Token formats of model providers and of the tools around them. A table: each line is a fact with the public page or
// file that it was taken from. Bodies are explained in secret-format.ts.
import { formatsOf } from './secret-format.ts';
import type { FormatRow } from './secret-format.ts';

const LEAKS = 'github.com/gitleaks/gitleaks, config/gitleaks.toml';
const BETTER = 'github.com/betterleaks/betterleaks, config/betterleaks.toml';
const HOG = 'github.com/trufflesecurity/trufflehog, pkg/detectors';
const LINT = 'github.com/secretlint/secretlint, packages/@secretlint';
const NAMED =
  'docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns, with the shape of public rules';
const STRICT = { strict: true } as const;

// oxfmt-ignore
const ROWS: readonly FormatRow[] = [
  ['openai_project_key', 'OpenAI', 'project key', 'sk-proj-', 'b20-250', LEAKS],
  ['openai_service_key', 'OpenAI', 'service account key', 'sk-svcacct-', 'b20-250', LEAKS],
  ['openai_admin_key', 'OpenAI', 'admin key', 'sk-admin-', 'b20-250', LEAKS],
  ['anthropic_key', 'Anthropic', 'API key', 'sk-ant-api', "d2 '-' b20-130", `${LINT}/secretlint-rule-anthropic`],
  ['anthropic_admin_key', 'Anthropic', 'admin key', 'sk-ant-admin', "d2 '-' b20-130", LEAKS],
  ['anthropic_oauth_token', 'Anthropic', 'OAuth token', ['sk-ant-oat', 'sk-ant-ort', 'sk-ant-sid'], "d2 '-' b20-200", NAMED],
  ['openrouter_key', 'OpenRouter', 'API key', 'sk-or-v1-', 'b32-128', 'openrouter.ai/docs/api/reference/authentication'],
  ['minimax_key', 'MiniMax', 'API key', 'sk-api-', 'b119', BETTER],
  ['langfuse_secret_key', 'Langfuse', 'secret key', 'sk-lf-', 'U', 'langfuse.com/docs/api'],
  ['helicone_key', 'Helicone', 'API key', 'sk-helicone-', 'b20-80', 'docs.helicone.ai'],
  ['openai_key', 'OpenAI', 'key (legacy; also DeepSeek, Stability, Moonshot and others)', 'sk-', 'b32-64', BETTER, STRICT],
  ['groq_key', 'Groq', 'API key', 'gsk_', 'a40-60', `${LINT}/secretlint-rule-groq`],
  ['xai_key', 'xAI', 'API key', 'xai-', 'b60-120', BETTER],
  ['perplexity_key', 'Perplexity', 'API key', 'pplx-', 'a40-64', LEAKS],
  ['huggingface_token', 'Hugging Face', 'access token', 'hf_', 'a34-40', LEAKS],
  ['huggingface_org_token', 'Hugging Face', 'organisation token', 'api_org_', 'a34', LEAKS],
  ['replicate_token', 'Replicate', 'API token', 'r8_', 'a37', BETTER, STRICT],
  ['fireworks_key', 'Fireworks AI', 'API key', 'fw_', 'a20-40', 'docs.fireworks.ai, with the shape of public rules', STRICT],
  ['together_key', 'Together AI', 'API key', 'tgp_v1_', 'b43', BETTER],
  ['cerebras_key', 'Cerebras', 'API key', 'csk-', 'l48', BETTER],
  ['nvidia_key', 'NVIDIA', 'API key', 'nvapi-', 'b60-70', BETTER],
  ['wandb_key_v1', 'Weights & Biases', 'API key', 'wandb_v1_', 'w77', BETTER],
  ['pinecone_key', 'Pinecone', 'API key', 'pcsk_', 'w50-90', `${HOG}/pinecone`],
  ['jina_key', 'Jina AI', 'API key', 'jina_', 'b32-70', 'jina.ai/api-dashboard'],
  ['voyage_key', 'Voyage AI', 'API key', 'pa-', 'b40-48', 'docs.voyageai.com', STRICT],
  ['elevenlabs_key', 'ElevenLabs', 'API key', 'sk_', 'h48', BETTER, STRICT],
  ['tavily_key', 'Tavily', 'API key', 'tvly-', 'b20-60', 'docs.tavily.com, with the shape of public rules', STRICT],
  ['exa_key', 'Exa', 'API key', 'exa_', 'a20-64', 'docs.exa.ai, with the shape of public rules', STRICT],
  ['brave_key', 'Brave', 'search API key', 'BSA', 'b24-40', BETTER, STRICT],
  ['firecrawl_key', 'Firecrawl', 'API key', 'fc-', 'h32', 'docs.firecrawl.dev, with the shape of public rules', STRICT],
  ['context7_key', 'Context7', 'API key', 'ctx7sk-', 'U', 'context7.com/docs, with the shape of public rules'],
  ['langsmith_key', 'LangSmith', 'API key', ['lsv2_pt_', 'lsv2_sk_'], "h32 '_' h10", `${HOG}/langsmith`],
  ['llamacloud_key', 'LlamaIndex', 'LlamaCloud key', 'llx-', 'a40-56', 'docs.cloud.llamaindex.ai'],
  ['runpod_key', 'RunPod', 'API key', ['rpa_', 'rps_'], 'a30-64', 'docs.runpod.io, with the shape of public rules', STRICT],
  ['devin_key', 'Cognition', 'Devin API key', ['apk_user_', 'apk_'], 's80-180', BETTER, STRICT],
  ['devin_service_token', 'Cognition', 'Devin service user token', 'cog_', 'l52', BETTER, STRICT],
  ['cursor_cloud_key', 'Cursor', 'API key', 'crsr_', 'a32-80', 'cursor.com/docs, with the shape of public rules', STRICT],
  ['browserbase_key', 'Browserbase', 'API key', 'bb_live_', 'b20-60', 'docs.browserbase.com, with the shape of public rules'],
  ['mem0_key', 'Mem0', 'API key', 'm0-', 'a32-48', 'docs.mem0.ai, with the shape of public rules', STRICT],
  ['anyscale_key', 'Anyscale', 'API key', ['esecret_', 'aph0_'], 'a24-60', 'docs.anyscale.com'],
  ['apify_token', 'Apify', 'API token', 'apify_api_', 'b30-50', `${HOG}/apify`],
  ['e2b_key', 'E2B', 'API key', 'e2b_', 'h40', 'e2b.dev/docs'],
  ['modal_token', 'Modal', 'token secret', 'as-', 'a22', 'modal.com/docs/reference/modal.config', STRICT],
  ['logfire_token', 'Pydantic', 'Logfire token', ['pylf_v1_us_', 'pylf_v1_eu_'], 'a40-50', 'logfire.pydantic.dev/docs'],
];

export const AI_FORMATS = formatsOf(ROWS);
