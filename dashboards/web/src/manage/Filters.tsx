/** Saved filters: the site's and one's own. They are saved where they are set, beside the filters themselves. */

import { useFilterText } from '../filters/FilterBar.tsx';
import { fromWire } from '../filters/wire.ts';
import { useApp } from '../ui/context.ts';
import { useKept, useManage } from './context.ts';
import { Answered, Line, Lines, RemoveButton } from './parts.tsx';

type Saved = { name: string; filters: unknown[] };

export function Filters() {
  const { store } = useApp();
  const { w } = useManage();
  const { filterText } = useFilterText();
  const kept = useKept<Saved>('saved-filters');
  return (
    <Answered answer={kept.answer} reload={kept.reload}>
      {(list) => (
        <Lines isEmpty={list.length === 0}>
          {list.map((one) => {
            const { name } = one.value;
            const filters = fromWire(one.value.filters);
            const says = filters ? filters.map(filterText).join(', ') : JSON.stringify(one.value.filters);
            return (
              <Line key={one.id} name={name} says={one.own ? `${says} (${w('yours')})` : says}>
                {filters && (
                  <button
                    type="button"
                    class="button is-quiet"
                    onClick={() => store.go({ filters, manage: null })}
                  >
                    {w('show', { name })}
                  </button>
                )}
                {(one.own || kept.mayEdit) && (
                  <RemoveButton name={name} onSure={() => void kept.remove(one, name)} />
                )}
              </Line>
            );
          })}
        </Lines>
      )}
    </Answered>
  );
}
