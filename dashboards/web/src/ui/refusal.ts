/** Why something was not kept, for the reader: the server's own rule where it says one. */
import type { Refusal } from '../api/control.ts';
import type { Translate } from '../i18n/translate.ts';

export function refusalText({ status, message }: Refusal, t: Translate): string {
  if (status === 0) return t('error.offline');
  if (status === 401) return t('error.signed-out');
  return message || t('error.server', { status: String(status) });
}
