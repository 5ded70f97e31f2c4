/** Japanese texts of the saved filters. */
import type { PartTexts } from '../part.ts';
import type { Key } from './filters.en.ts';

export const ja: PartTexts<Key> = {
  'saved.site': 'サイトの全員用',
  'saved.own': '自分専用',
  'saved.here': 'このブラウザーのみ',
  'saved.save': '現在のフィルターを保存',
  'saved.name': '名前',
  'saved.for': '公開範囲',
  'saved.forMe': '自分のみ',
  'saved.forSite': 'サイトの全員',
  'saved.submit': '保存',
  'saved.remove': '{name} を削除',
  'saved.none': '保存したフィルターはまだありません。先にフィルターを設定し、ここで保存してください。',
  'saved.notHere': 'ここでは表示できない条件を含んでいます',
};
