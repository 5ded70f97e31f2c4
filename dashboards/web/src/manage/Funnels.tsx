/** Funnels that the site keeps. They are put together where their numbers stand, so showing one leads there. */

import { fromWireFunnel, type WireFunnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { useKept, useManage } from './context.ts';
import { Answered, Line, Lines, RemoveButton } from './parts.tsx';

type Named = WireFunnel & { name: string };

/** What each step asks for, worded by its values. */
const describe = ({ steps }: Named): string =>
  steps
    .map(({ name, filters }) => name ?? filters.map((filter) => String(filter[2] ?? '')).join(', '))
    .join(' → ');

export function Funnels() {
  const { store } = useApp();
  const { w } = useManage();
  const funnels = useKept<Named>('funnels');
  return (
    <Answered answer={funnels.answer} reload={funnels.reload}>
      {(list) => (
        <Lines isEmpty={list.length === 0}>
          {list.map((one) => {
            const { name } = one.value;
            const funnel = fromWireFunnel(one.value);
            return (
              <Line key={one.id} name={name} says={describe(one.value)}>
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
                  <RemoveButton name={name} onSure={() => void funnels.remove(one, name)} />
                )}
              </Line>
            );
          })}
        </Lines>
      )}
    </Answered>
  );
}
