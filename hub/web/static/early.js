// Before first paint: the theme and the tiles' number this tablet last chose. Nothing else is kept here.
(() => {
  const root = document.documentElement;
  const read = (key, fallback) => {
    try { return localStorage.getItem(key) || fallback; } catch { return fallback; }
  };
  root.className = `${read("theme", "sun")} metric-${read("metric", "banister")}`;
})();
