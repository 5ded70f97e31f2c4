/** Japanese texts of the saved filters. */
import type { PartTexts } from '../part.ts';
import type { Key } from './filters.en.ts';

export const ja: PartTexts<Key> = {
  'saved.site': 'サイト共通',
  'saved.own': '自分用',
  'saved.here': 'このブラウザーのみ',
  'saved.save': 'このフィルターを保存',
  'saved.name': '名前',
  'saved.for': '対象',
  'saved.forMe': '自分だけ',
  'saved.forSite': 'サイトの全員',
  'saved.do': '適用',
  'saved.forget': '{name} を削除',
  'saved.none': '保存したフィルターはありません。数値を絞り込んでから、ここで保存してください。',
  'saved.notHere': 'この画面では表示できない条件を含んでいます',
};
