/**
 * The numbers of a funnel: one row per step with its drop-off or, when split, one row per value.
 */
import type { FunnelResponse } from '../api/types.ts';
import type { Dimension } from '../state/filter.ts';
import type { Funnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { useTexts } from './texts.ts';

export function FunnelResult({ funnel, response }: { funnel: Funnel; response: FunnelResponse }) {
  const { fmt } = useApp();
  const w = useTexts();
  const [first] = response.results;
  const cleared = response.meta?.ids_cleared_before;
  if (cleared) {
    const note = <p class="notice">{w('funnel.cleared', { day: fmt.day(cleared) })}</p>;
    // Unknown is not zero.
    if (!first || first.visits === null) return note;
    return (
      <>
        {note}
        {funnel.by ? <Split by={funnel.by} response={response} /> : <Steps one={first} />}
      </>
    );
  }
  if (!first || response.results.every(({ steps }) => (steps[0]?.visits ?? 0) === 0)) {
    return <p class="panel-message muted">{w('funnel.none')}</p>;
  }
  return funnel.by ? <Split by={funnel.by} response={response} /> : <Steps one={first} />;
}

function Steps({ one }: { one: FunnelResponse['results'][number] }) {
  const { fmt } = useApp();
  const w = useTexts();
  return (
    <>
      <table class="list">
        <caption class="sr">{w('funnel.title')}</caption>
        <thead>
          <tr>
            <th scope="col">{w('funnel.step', { n: `1–${one.steps.length}` })}</th>
            <th scope="col" class="num">
              {w('funnel.visits')}
            </th>
            <th scope="col" class="num">
              {w('funnel.rate')}
            </th>
            <th scope="col" class="num">
              {w('funnel.lost')}
            </th>
          </tr>
        </thead>
        <tbody>
          {one.steps.map((step, index) => (
            <tr key={index} data-name={step.name} data-value={step.visits}>
              <th scope="row">
                <span
                  class="bar"
                  style={{ '--bar': String(step.conversion_rate / 100) }}
                  aria-hidden="true"
                />
                <span class="row-name" title={step.name}>
                  {step.name}
                </span>
              </th>
              <td class="num">{fmt.count(step.visits)}</td>
              <td class="num">{fmt.percent(step.conversion_rate / 100)}</td>
              <td class="num muted">
                {index === 0 ? '–' : `${fmt.count(step.dropped)} (${fmt.percent(1 - step.step_rate / 100)})`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted lower-note">{w('funnel.all', { n: one.visits })}</p>
    </>
  );
}

function Split({ by, response }: { by: Dimension; response: FunnelResponse }) {
  const { t, fmt } = useApp();
  const w = useTexts();
  const [first] = response.results;
  return (
    <table class="list">
      <caption class="sr">{w('funnel.title')}</caption>
      <thead>
        <tr>
          <th scope="col">{t(`dimension.${by}`)}</th>
          {first?.steps.map((step, index) => (
            <th key={index} scope="col" class="num" title={step.name}>
              {w('funnel.step', { n: index + 1 })}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {response.results.map(({ dimensions: [name = ''], steps }) => (
          <tr key={name} data-name={name}>
            <th scope="row">
              <span
                class="bar"
                style={{ '--bar': String((steps.at(-1)?.conversion_rate ?? 0) / 100) }}
                aria-hidden="true"
              />
              <span class="row-name" title={fmt.name(by, name)}>
                {fmt.name(by, name)}
              </span>
            </th>
            {steps.map((step, index) => (
              <td key={index} class="num">
                {fmt.count(step.visits)}
                {index > 0 && <span class="muted"> {fmt.percent(step.conversion_rate / 100)}</span>}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
