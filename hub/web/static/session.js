// The heart-rate chart of one session; the same numbers stand in the table behind "Show data".
(async () => {
  "use strict";
  const place = document.getElementById("chart"), choice = document.getElementById("chart-athlete");
  if (!place) return;
  const answer = await fetch(place.dataset.series);
  const series = answer.ok ? (await answer.json()).athletes : [];
  let chart = null;

  const minutes = (_, splits) => splits.map((s) => `${Math.round(s / 60)}′`);
  function steps(_, __, min, max) {
    const step = [60, 300, 600, 900, 1800, 3600].find((s) => (max - min) / s <= 10) || 7200;
    const marks = [];
    for (let at = Math.ceil(min / step) * step; at <= max; at += step) marks.push(at);
    return marks;
  }

  function draw() {
    const one = series.find((each) => each.athlete_id === choice.value);
    chart?.destroy();
    place.replaceChildren();
    if (!one) return;
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue(name).trim();
    const axis = { stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    chart = new uPlot({
      width: place.clientWidth,
      height: 190,
      scales: { x: { time: false } },
      legend: { show: true },
      cursor: { drag: { x: true, y: false } },
      axes: [{ ...axis, splits: steps, values: minutes }, { ...axis, size: 48 }],
      series: [
        { label: "Time", value: (_, s) => (s == null ? "–" : `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`) },
        { label: one.name, stroke: colour("--accent"), width: 2, spanGaps: false, value: (_, v) => v ?? "–" },
      ],
    }, [one.t_s, one.bpm], place);
  }

  choice.addEventListener("change", draw);
  document.addEventListener("themechange", draw);
  new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: 190 })).observe(place);
  draw();
})();
