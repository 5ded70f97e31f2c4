/** A filter in words, as its chip reads. */
import type { Filter } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';

export function useFilterText(): (filter: Filter) => string {
  const { t, fmt } = useApp();
  return ({ dimension, op, values }) => {
    const names = values.map((value) =>
      op === 'is' || op === 'is_not' ? fmt.name(dimension, value) : t('filter.quoted', { value }),
    );
    return `${t(`dimension.${dimension}`)} ${t(`filter.op.${op}`)} ${names.join(` ${t('filter.or')} `)}`;
  };
}
