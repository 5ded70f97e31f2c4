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
    '{page} のクリック位置。「表」でも同じ内容を確認できます。色が濃いほどクリックが多い場所です。',
  'clicks.top': '数字はクリックの多いマスの順位です。1 マスの幅はページ幅の 20 分の 1 です。',
  'clicks.below': { other: 'さらに下に {n} 回のクリックがあります。' },
  'clicks.none':
    'このページのクリックは記録されていません。スニペットに data-clicks 属性を付けると、同意した訪問者のクリックが記録されます。',
  'clicks.noPages': 'この期間に閲覧されたページはありません。',
};
