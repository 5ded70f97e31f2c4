/** Saved filters: those of the site and the reader's own. They are created on the dashboard. */

import { useFilterText } from '../filters/filterText.ts';
import { fromWire, type WireSavedFilter } from '../filters/wire.ts';
import { useApp } from '../ui/context.ts';
import { useManage, useSiteObjects } from './context.ts';
import { Answered, Line, Lines, RemoveButton } from './parts.tsx';

export function Filters() {
  const { store } = useApp();
  const { w } = useManage();
  const filterText = useFilterText();
  const saved = useSiteObjects<WireSavedFilter>('saved-filters');
  return (
    <Answered answer={saved.answer} reload={saved.reload}>
      {(list) => (
        <Lines isEmpty={list.length === 0}>
          {list.map((one) => {
            const { name } = one.value;
            const filters = fromWire(one.value.filters);
            const text = filters ? filters.map(filterText).join(', ') : JSON.stringify(one.value.filters);
            return (
              <Line key={one.id} name={name} description={one.own ? `${text} (${w('yours')})` : text}>
                {filters && (
                  <button
                    type="button"
                    class="button is-quiet"
                    onClick={() => store.go({ filters, manage: null })}
                  >
                    {w('show', { name })}
                  </button>
                )}
                {(one.own || saved.mayEdit) && (
                  <RemoveButton name={name} onConfirm={() => void saved.remove(one, name)} />
                )}
              </Line>
            );
          })}
        </Lines>
      )}
    </Answered>
  );
}
