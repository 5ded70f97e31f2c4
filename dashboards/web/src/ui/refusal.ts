/** Why the server refused a change, in words. The server's own message names the rule. */
import type { Refusal } from '../api/control.ts';
import type { Translate } from '../i18n/translate.ts';

export function refusalText({ status, message }: Refusal, t: Translate): string {
  if (status === 0) return t('error.offline');
  if (status === 401) return t('error.signed-out');
  return message || t('error.server', { status: String(status) });
}
