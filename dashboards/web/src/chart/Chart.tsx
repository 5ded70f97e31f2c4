/**
 * The line chart, an SVG. For screen readers it is a slider: the arrow keys move a mark, and its
 * value is read out. The table view shows the same numbers.
 */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Note } from '../api/types.ts';
import { useApp } from '../ui/context.ts';
import type { Point, Series } from '../viewmodels/series.ts';
import { type Box, labelIndices, largestOf, linePath, nearestIndex, ticksFor, xAt, yAt } from './geometry.ts';

/** Width of the axis that one label gets. */
const ROOM_PER_LABEL_PX = 84;

type Notes = ReadonlyMap<number, readonly Note[]>;

export function Chart(props: { series: Series; notes: Notes; onZoom: ((label: string) => void) | null }) {
  const { series, notes, onZoom } = props;
  const { t, fmt } = useApp();
  const host = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 260 });
  const [marked, setMarked] = useState<number | null>(null);
  const { points, metric, interval } = series;

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const last = points.length - 1;
  const index = marked === null ? null : Math.min(marked, last);
  const lastDrawn = Math.max(
    0,
    points.findLastIndex((point) => !point.isFuture),
  );
  const point = points[index ?? lastDrawn];
  const box: Box = { ...size, left: 46, right: 14, top: 14, bottom: 26 };

  const describe = (p: Point): string => {
    const params = {
      date: fmt.bucket(p.label, interval) + (p.isPartial ? ` (${t('chart.soFar')})` : ''),
      value: fmt.metric(metric, p.value),
    };
    const noted = (notes.get(points.indexOf(p)) ?? []).map((note) => ` ${t('notes.label')}: ${note.text}`);
    if (!p.before) return t('chart.point', params) + noted.join('');
    const before = {
      dateBefore: fmt.bucket(p.before.label, interval),
      valueBefore: fmt.metric(metric, p.before.value),
    };
    return t('chart.pointBefore', { ...params, ...before }) + noted.join('');
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const from = index ?? lastDrawn;
    const moves: Record<string, number> = {
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      PageUp: from + 7,
      PageDown: from - 7,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setMarked(Math.min(last, Math.max(0, to)));
    } else if (event.key === 'Enter' && onZoom && point) {
      event.preventDefault();
      onZoom(point.label);
    } else if (event.key === 'Escape') setMarked(null);
  };

  const onPointerMove = (event: PointerEvent) => {
    const left = host.current?.getBoundingClientRect().left ?? 0;
    setMarked(nearestIndex(box, event.clientX - left, points.length));
  };

  return (
    <div
      ref={host}
      class="chart"
      role="slider"
      tabIndex={0}
      aria-label={t('chart.label', { metric: t(`metric.${metric}`) })}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={index ?? lastDrawn}
      aria-valuetext={point ? describe(point) : ''}
      onKeyDown={onKeyDown}
      onBlur={() => setMarked(null)}
      onPointerMove={onPointerMove}
      onPointerDown={onPointerMove}
      onPointerLeave={() => setMarked(null)}
      onDblClick={() => point && onZoom?.(point.label)}
    >
      {size.width > 0 && <Drawing series={series} notes={notes} box={box} marked={index} />}
      {index !== null && point && size.width > 0 && (
        <Tooltip
          series={series}
          point={point}
          notes={notes.get(index) ?? []}
          x={xAt(box, index, points.length)}
          width={size.width}
        />
      )}
    </div>
  );
}

function Drawing(props: { series: Series; notes: Notes; box: Box; marked: number | null }) {
  const { series, notes, box, marked } = props;
  const { fmt } = useApp();
  const { points, metric, interval } = series;
  const count = points.length;
  const { width, height } = box;
  const shapes = useMemo(() => {
    const ticks = ticksFor(metric, largestOf(points));
    const max = ticks.at(-1) ?? 1;
    const y = (value: number | null) => (value === null ? null : yAt(box, value, max));
    const at = (from: number, to: number) =>
      points.slice(from, to).map((p, i) => ({ x: xAt(box, from + i, count), y: y(p.value) }));
    const partial = points.findIndex((p) => p.isPartial);
    const end = partial === -1 ? count : partial;
    const whole = at(0, end).filter((p) => p.y !== null);
    const first = whole[0];
    const lastWhole = whole.at(-1);
    const floor = box.height - box.bottom;
    const line = linePath(at(0, end));
    return {
      ticks: ticks.map((value) => ({ value, y: yAt(box, value, max) })),
      line,
      area: first && lastWhole ? `${linePath(whole)}L${lastWhole.x} ${floor}L${first.x} ${floor}Z` : '',
      dashed: partial > 0 ? linePath(at(partial - 1, partial + 1)) : '',
      before: linePath(
        points.map((p, i) => ({ x: xAt(box, i, count), y: p.before ? y(p.before.value) : null })),
      ),
      // A value without neighbours has no line and is drawn as a dot.
      lone: points.flatMap((p, i) => {
        const isAlone =
          p.value !== null &&
          (points[i - 1]?.value ?? null) === null &&
          (points[i + 1]?.value ?? null) === null;
        return isAlone || p.isPartial
          ? [{ x: xAt(box, i, count), y: y(p.value) ?? floor, isPartial: p.isPartial }]
          : [];
      }),
      y,
    };
  }, [points, metric, width, height]);

  const labels = labelIndices(count, Math.floor((width - box.left) / ROOM_PER_LABEL_PX));
  const mark = marked === null ? null : points[marked];
  const markX = marked === null ? 0 : xAt(box, marked, count);
  return (
    <svg
      class="chart-drawing"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
    >
      {shapes.ticks.map((tick) => (
        <g key={tick.value}>
          <line
            class={tick.value === 0 ? 'chart-floor' : 'chart-grid'}
            x1={box.left}
            x2={width - box.right}
            y1={tick.y}
            y2={tick.y}
          />
          <text class="chart-text" x={box.left - 10} y={tick.y + 4} text-anchor="end">
            {fmt.axis(metric, tick.value)}
          </text>
        </g>
      ))}
      {labels.map((i) => (
        <text
          key={i}
          class="chart-text"
          x={xAt(box, i, count)}
          y={height - 6}
          text-anchor={i === count - 1 && count > 1 ? 'end' : 'middle'}
        >
          {fmt.tick(points[i]?.label ?? '', interval)}
        </text>
      ))}
      {[...notes.keys()].map((i) => {
        const x = xAt(box, i, count);
        const floor = height - box.bottom;
        return (
          <g key={`note-${i}`} class="chart-note">
            <line x1={x} x2={x} y1={box.top} y2={floor} />
            <path d={`M${x} ${box.top - 5}l5 5-5 5-5-5z`} />
          </g>
        );
      })}
      <path class="chart-before" d={shapes.before} />
      <path class="chart-area" d={shapes.area} />
      <path class="chart-line" d={shapes.line} />
      <path class="chart-line chart-dashed" d={shapes.dashed} />
      {shapes.lone.map((dot) => (
        <circle
          key={dot.x}
          class={dot.isPartial ? 'chart-dot chart-dot-open' : 'chart-dot'}
          cx={dot.x}
          cy={dot.y}
          r="3.5"
        />
      ))}
      {mark && (
        <g>
          <line class="chart-mark" x1={markX} x2={markX} y1={box.top} y2={height - box.bottom} />
          {mark.before && mark.before.value !== null && (
            <circle
              class="chart-dot chart-dot-before"
              cx={markX}
              cy={shapes.y(mark.before.value) ?? 0}
              r="3.5"
            />
          )}
          {mark.value !== null && (
            <circle class="chart-dot" cx={markX} cy={shapes.y(mark.value) ?? 0} r="4.5" />
          )}
        </g>
      )}
    </svg>
  );
}

function Tooltip(props: { series: Series; point: Point; notes: readonly Note[]; x: number; width: number }) {
  const { series, point, notes, x, width } = props;
  const { t, fmt } = useApp();
  const { metric, interval } = series;
  const isRight = x > width / 2;
  return (
    <div
      class={isRight ? 'chart-tooltip is-left' : 'chart-tooltip'}
      style={{ '--at': `${x}px` }}
      aria-hidden="true"
    >
      <strong>{fmt.metric(metric, point.value)}</strong> {t(`metric.${metric}`)}
      <div class="muted">
        {fmt.bucket(point.label, interval)}
        {point.isPartial && ` · ${t('chart.soFar')}`}
      </div>
      {notes.map((note) => (
        <div key={note.at + note.text} class="chart-tooltip-note">
          {note.text}
        </div>
      ))}
      {point.before && (
        <div class="chart-tooltip-before">
          <strong>{fmt.metric(metric, point.before.value)}</strong>{' '}
          <span class="muted">{fmt.bucket(point.before.label, interval)}</span>
        </div>
      )}
    </div>
  );
}
