// Mouse, fingers and keys on the map.
const STILL = 5; // pixels that a press may move and still be one
const REACH = { mouse: 14, pen: 14, touch: 24 }; // pixels around a point that belong to it
const steering = { hovered: -1, lassoing: false, drawn: null, fingers: new Map(), moved: 0, peeking: 0 };
const spotAt = (event) => {
  const box = over.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const within = (one, x, y) => x >= one.x && y >= one.y && x <= one.x + one.width && y <= one.y + one.height;
const pointAt = (x, y, reach) => {
  const photo = laid.findLast((one) => one.w && Math.abs(one.x - x) < one.w / 2 + 2 && Math.abs(one.y - y) < one.h / 2 + 2);
  return photo ? photo.point : nearest(x, y, reach);
};
const nameAt = (x, y) => spots.find((one) => within(one, x, y));
const goTo = (cluster) => travel(viewOf(boxOf(cluster)));
const home = () => travel(viewOf(chart.made.box));

// A photograph of the map in the drawer; from there one goes on to its neighbours, the nearest first.
const openPoint = (point) => {
  const { places, count } = chart.made;
  const [x, y] = [places[2 * point], places[2 * point + 1]];
  const far = (i) => (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
  const near = [];
  for (let i = 0; i < count; i += 1) if (i !== point && chart.moods[i] !== MOOD.dim) near.push([far(i), i]);
  near.sort((a, b) => a[0] - b[0]);
  rowsOf([point, ...near.slice(0, 23).map((one) => one[1])], (found) => {
    const order = new Map([point, ...near.slice(0, 23).map((one) => one[1])].map((one, i) => [one, i]));
    const rowsNow = found.map(withLikeness).sort((a, b) => order.get(a.point) - order.get(b.point));
    if (rowsNow[0]?.point === point) show(0, rowsNow);
  });
};
const withLikeness = (row) => {
  const { likeness } = chart;
  return likeness?.searched ? { ...row, similarity: cosineOf(likeness.values[row.point]) } : row;
};

const hover = (point) => {
  over.style.cursor = point >= 0 ? 'pointer' : '';
  if (point === steering.hovered) return;
  steering.hovered = point;
  clearTimeout(steering.peeking);
  if (point >= 0 && !thumbs.get(point)?.row) steering.peeking = setTimeout(() => rowsOf([point], () => {}), 80);
  drawPeek();
  redraw();
};
const drawPeek = () => {
  const box = find('.map .peek');
  const row = thumbs.get(steering.hovered)?.row;
  box.hidden = !row;
  if (!row) return;
  const { likeness, made } = chart;
  box.querySelector('img').src = served(row.thumbnail);
  box.querySelector('b').textContent = row.name;
  const cluster = made.clusters[made.cluster[row.point]];
  const facts = [row.date, cluster && named(cluster), likeness?.searched && decimal(withLikeness(row).similarity, 2)];
  box.querySelector('small').textContent = facts.filter(Boolean).join(' · ');
  const [x, y] = [across(made.places[2 * row.point]), down(made.places[2 * row.point + 1])];
  box.style.left = `${x > camera.width - 230 ? x - 226 : x + 18}px`;
  box.style.top = `${Math.max(6, Math.min(camera.height - 216, y - 80))}px`;
};

const drawn = (x, y) => {
  const last = steering.drawn.at(-1);
  const spot = unitsAt(x, y);
  if (!last || Math.hypot(spot[0] - last[0], spot[1] - last[1]) * camera.zoom > 3) steering.drawn.push(spot);
  redraw();
};
const closeArea = () => {
  const line = steering.drawn;
  const among = line.length > 2 ? areaOf(chart.made.state, line) : '';
  steering.drawn = null;
  steering.lassoing &&= !among; // after a mere tap one can still draw
  drawKnobs();
  redraw();
  if (among) set({ among });
};
const middle = (fingers) => {
  const all = [...fingers.values()];
  const sum = all.reduce(([x, y], one) => [x + one[0] / all.length, y + one[1] / all.length], [0, 0]);
  return [...sum, all.length > 1 ? Math.hypot(all[0][0] - all[1][0], all[0][1] - all[1][1]) : 0];
};
over.addEventListener('pointerdown', (event) => {
  if (!chart.made?.count || event.button) return;
  stay();
  over.setPointerCapture(event.pointerId);
  const [x, y] = spotAt(event);
  if (!steering.fingers.size) {
    steering.moved = 0;
    if (steering.lassoing || event.shiftKey) { steering.drawn = []; drawn(x, y); }
  } else {
    steering.drawn = null; // two fingers move the map
    steering.moved = STILL;
    redraw();
  }
  steering.fingers.set(event.pointerId, [x, y]);
  hover(-1);
});
over.addEventListener('pointermove', (event) => {
  if (!chart.made?.count) return;
  const [x, y] = spotAt(event);
  const { fingers } = steering;
  if (!fingers.has(event.pointerId)) {
    if (event.pointerType === 'mouse' && !steering.lassoing) hover(nameAt(x, y) ? -1 : pointAt(x, y, REACH.mouse));
    if (nameAt(x, y)) over.style.cursor = 'pointer';
    return;
  }
  const [oldX, oldY, oldWide] = middle(fingers);
  const from = fingers.get(event.pointerId);
  fingers.set(event.pointerId, [x, y]);
  steering.moved += Math.hypot(x - from[0], y - from[1]);
  if (steering.drawn) { drawn(x, y); return; }
  if (steering.moved < STILL) return;
  const [newX, newY, newWide] = middle(fingers);
  place(panned(oldX - newX, oldY - newY));
  if (oldWide && newWide) place(zoomed(newWide / oldWide, newX, newY));
});
const lifted = (event) => {
  if (!steering.fingers.delete(event.pointerId)) return;
  const [x, y] = spotAt(event);
  if (steering.drawn) { closeArea(); return; }
  if (event.type !== 'pointerup' || steering.moved >= STILL || steering.fingers.size) return;
  const name = nameAt(x, y);
  const point = name ? -1 : pointAt(x, y, REACH[event.pointerType] ?? REACH.mouse);
  if (name) goTo(name.cluster);
  else if (point >= 0) openPoint(point);
};
over.addEventListener('pointerup', lifted);
over.addEventListener('pointercancel', (event) => { steering.drawn = null; lifted(event); });
over.addEventListener('pointerleave', () => hover(-1));
over.addEventListener('wheel', (event) => {
  if (!chart.made?.count) return;
  event.preventDefault();
  stay();
  // Wheels tell lines or pixels; with ctrl it is a pinch on a touchpad.
  const step = event.deltaY * (event.deltaMode ? 20 : 1) * (event.ctrlKey ? 0.01 : 0.0018);
  place(zoomed(Math.exp(-Math.max(-0.7, Math.min(0.7, step))), ...spotAt(event)));
}, { passive: false });
over.addEventListener('keydown', (event) => {
  if (!chart.made?.count || event.ctrlKey || event.metaKey || event.altKey) return;
  const far = Math.min(camera.width, camera.height) / 6;
  const act = {
    ArrowLeft: () => travel(panned(-far, 0)), ArrowRight: () => travel(panned(far, 0)),
    ArrowUp: () => travel(panned(0, -far)), ArrowDown: () => travel(panned(0, far)),
    '+': () => travel(zoomed(1.6)), '=': () => travel(zoomed(1.6)),
    '-': () => travel(zoomed(1 / 1.6)), _: () => travel(zoomed(1 / 1.6)), 0: home,
    Enter: () => {
      const point = nearest(camera.width / 2, camera.height / 2, Math.min(camera.width, camera.height) / 2);
      if (point >= 0) openPoint(point);
    },
    Escape: () => { steering.drawn = null; steering.lassoing = false; drawKnobs(); },
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
  redraw();
});
over.addEventListener('focus', () => redraw());
over.addEventListener('blur', () => redraw());
// What is in view, for those who do not see it.
let telling = 0;
const tellView = () => {
  clearTimeout(telling);
  telling = setTimeout(() => {
    const { made } = chart;
    const many = new Uint32Array(made.clusters.length);
    let all = 0;
    for (let i = 0; i < made.count; i += 1) {
      const [x, y] = [across(made.places[2 * i]), down(made.places[2 * i + 1])];
      if (x < 0 || y < 0 || x > camera.width || y > camera.height) continue;
      all += 1;
      many[made.cluster[i]] += 1;
    }
    const names = made.clusters.filter((one) => many[one.id]).sort((a, b) => many[b.id] - many[a.id]).slice(0, 3).map(named);
    find('.map .told').textContent = say('map_in_view', { number: number(all), names: names.join(say('map_comma')) });
  }, 600);
};
