/** Japanese texts of the click map. */
import type { PartTexts } from '../part.ts';
import type { Key } from './clicks.en.ts';

export const ja: PartTexts<Key> = {
  'clicks.title': 'クリック',
  'clicks.page': 'ページ',
  'clicks.as': '表示形式',
  'clicks.map': 'マップ',
  'clicks.table': '表',
  'clicks.sum': { other: '{n} 回のクリック' },
  'clicks.row': '行',
  'clicks.across': '左からの位置',
  'clicks.clicks': 'クリック数',
  'clicks.stretch': '{from}～{to} %',
  'clicks.alt':
    '{page} のクリック位置。色が濃いマスほどクリックが多くなります。「表」でも同じデータを確認できます。',
  'clicks.top': '数字はクリックの多いマスの順位です。1 マスはページ幅の 20 分の 1 です。',
  'clicks.below': { other: 'ページのさらに下に {n} 回のクリックがあります。' },
  'clicks.none':
    'このページのクリックは記録されていません。同意した訪問者のクリックを記録するには、スニペットに data-clicks 属性を追加してください。',
  'clicks.noPages': 'この期間に表示されたページはありません。',
};
