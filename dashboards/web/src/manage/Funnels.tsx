/**
 * Saved funnels of the site. They are created on the dashboard, which is where showing one leads.
 */

import { fromWireFunnel, type WireSavedFunnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { useManage, useSiteObjects } from './context.ts';
import { Answered, Line, Lines, RemoveButton } from './parts.tsx';

/** The values of each step, in order. */
const describe = ({ steps }: WireSavedFunnel): string =>
  steps
    .map(({ name, filters }) => name ?? filters.map((filter) => String(filter[2] ?? '')).join(', '))
    .join(' → ');

export function Funnels() {
  const { store } = useApp();
  const { w } = useManage();
  const funnels = useSiteObjects<WireSavedFunnel>('funnels');
  return (
    <Answered answer={funnels.answer} reload={funnels.reload}>
      {(list) => (
        <Lines isEmpty={list.length === 0}>
          {list.map((one) => {
            const { name } = one.value;
            const funnel = fromWireFunnel(one.value);
            return (
              <Line key={one.id} name={name} description={describe(one.value)}>
                {funnel && (
                  <button
                    type="button"
                    class="button is-quiet"
                    onClick={() => store.go({ funnel, manage: null })}
                  >
                    {w('show', { name })}
                  </button>
                )}
                {funnels.mayEdit && (
                  <RemoveButton name={name} onConfirm={() => void funnels.remove(one, name)} />
                )}
              </Line>
            );
          })}
        </Lines>
      )}
    </Answered>
  );
}
