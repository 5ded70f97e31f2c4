/** Japanese texts of what is behind a change. */
import type { PartTexts } from '../part.ts';
import type { Key } from './changes.en.ts';

export const ja: PartTexts<Key> = {
  'why.title': '{metric}の変化の要因',
  'why.total': '今回 {now}、前回 {before}',
  'why.what': '項目',
  'why.now': '今回',
  'why.before': '前回',
  'why.difference': '差',
  'why.none': '目立つ変化はありません。',
  'why.overlap': '種類の異なる行は重複します。同じ訪問が複数の行に含まれることがあります。',
  'why.close': '閉じる',
};
