// Corners of a ground on the positions recorded: a tap moves the nearest mark, typing moves it too.
(() => {
  "use strict";
  const map = document.getElementById("ground-map"), form = document.getElementById("ground");
  if (!map || !form) return;
  const size = document.getElementById("ground-size"), shape = map.querySelector(".shape");
  const marks = [...map.querySelectorAll("[data-corner]")];
  const number = (name) => Number.parseFloat(map.dataset[name]);
  const lat0 = number("lat"), lon0 = number("lon"), latMetre = number("latMetre"), lonMetre = number("lonMetre");
  const field = (axis, mark) => form.elements[`${axis}${mark.dataset.corner}`];

  function placeOf(mark) { // metres east and south, or nothing while a field is not a number
    const lat = Number.parseFloat(field("lat", mark).value.replace(",", ".")), lon = Number.parseFloat(field("lon", mark).value.replace(",", "."));
    return Number.isFinite(lat) && Number.isFinite(lon) ? [(lon - lon0) / lonMetre, -(lat - lat0) / latMetre] : null;
  }

  function show() {
    const places = marks.map(placeOf);
    marks.forEach((mark, at) => {
      mark.setAttribute("visibility", places[at] ? "visible" : "hidden");
      if (places[at]) mark.setAttribute("transform", `translate(${places[at][0].toFixed(2)} ${places[at][1].toFixed(2)})`);
    });
    shape.setAttribute("points", "");
    size.textContent = "";
    if (places.some((place) => !place)) return;
    const middle = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / 4);
    const angle = (place) => Math.atan2(place[1] - middle[1], place[0] - middle[0]);
    const round = [...places].sort((a, b) => angle(a) - angle(b));
    shape.setAttribute("points", round.map((place) => place.map((it) => it.toFixed(2)).join(",")).join(" "));
    const side = (at) => Math.hypot(round[at][0] - round[(at + 1) % 4][0], round[at][1] - round[(at + 1) % 4][1]);
    const sides = [(side(0) + side(2)) / 2, (side(1) + side(3)) / 2].sort((a, b) => b - a);
    size.textContent = `The marks lie ${sides[0].toFixed(1)} by ${sides[1].toFixed(1)} m apart.`;
  }

  map.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    const far = (mark) => { const place = placeOf(mark); return place ? Math.hypot(place[0] - at.x, place[1] - at.y) : 0; };
    const nearest = marks.reduce((best, mark) => (far(mark) < far(best) ? mark : best));
    field("lat", nearest).value = (lat0 - at.y * latMetre).toFixed(7);
    field("lon", nearest).value = (lon0 + at.x * lonMetre).toFixed(7);
    show();
  });
  form.addEventListener("input", show);
  show();
})();
