// An athlete's days: three small charts; the same numbers stand in the table behind "Show data".
(() => {
  "use strict";
  let charts = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (day) => new Date(`${day}T12:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

  function options(days, height, series, more) {
    const axis = { stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    return {
      height,
      scales: { x: { time: false, range: [-0.6, days.length - 0.4] }, ...more?.scales },
      cursor: { drag: { x: false, y: false } },
      axes: [{ ...axis, space: 64, incrs: [1, 2, 7, 14, 28], values: (_, at) => at.map((it) => (days[it] ? short(days[it]) : "")) }, { ...axis, size: 48 }],
      series: [{ label: "Day", value: (_, at) => (at == null ? "–" : short(days[at])) }, ...series],
      bands: more?.bands,
    };
  }
  const line = (label, digits, more) => ({ label, stroke: colour("--accent"), width: 2, points: { show: false }, value: (_, v) => (v == null ? "–" : v.toFixed(digits)), ...more });
  const dots = (label, digits) => line(label, digits, { width: 0, stroke: colour("--quiet"), paths: () => null, points: { show: true, size: 6, fill: colour("--quiet") } });

  function banded(days, columns, band, series) {
    const wash = `${colour("--accent")}22`;
    if (!band) return [options(days, 190, series), columns];
    const edge = (label, digits) => line(label, digits, { stroke: colour("--quiet"), width: 1, dash: [4, 4] });
    const level = (value) => days.map(() => value), at = series.length;
    return [
      options(days, 190, [...series, edge("Band to", 2), edge("Band from", 2)], { bands: [{ series: [at + 1, at + 2], fill: wash }] }),
      [...columns, level(band[1]), level(band[0])],
    ];
  }

  const makers = {
    mornings: (it) => banded(it.days, [it.ln_rmssd, it.week], it.band, [dots(it.names[0], 2), line(it.names[1], 2)]),
    resting: (it) => banded(it.days, [it.bpm], it.band, [line("Resting bpm", 0, { points: { show: true, size: 5, fill: colour("--accent") } })]),
    load: (it) => [
      options(it.days, 210, [
        line(it.names[0], 0, { stroke: colour("--quiet"), fill: colour("--track"), width: 1, paths: uPlot.paths.bars({ size: [0.7, 40] }) }),
        line(it.names[1], 0, { stroke: colour("--text"), width: 3 }),
        line(it.names[2], 0, { stroke: colour("--text"), width: 2, dash: [8, 6] }),
      ], { scales: { y: { range: (_, low, high) => [0, Math.max(high, 1) * 1.08] } } }),
      [it.daily, it.acute, it.chronic],
    ],
  };

  async function draw(section) {
    const answer = await fetch(section.dataset.days);
    if (!answer.ok) return;
    const found = await answer.json();
    const make = () => {
      for (const chart of charts) chart.destroy();
      charts = [...section.querySelectorAll("[data-chart]")].map((place) => {
        const it = found[place.dataset.chart];
        const [how, columns] = makers[place.dataset.chart](it);
        const chart = new uPlot({ ...how, width: place.clientWidth }, [it.days.map((_, at) => at), ...columns], place);
        new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: how.height })).observe(place);
        return chart;
      });
    };
    make();
    document.addEventListener("themechange", () => { if (section.isConnected) make(); });
  }

  const begin = (root) => { const section = root.querySelector("[data-days]"); if (section) draw(section); };
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target.id === "days") begin(event.target); });
  begin(document);
})();
