// Which part of the map the window shows: its upper left corner in the map's units, and pixels a unit.
const MARGIN = 56; // pixels around the whole map
const NEAREST = 2; // pixels a unit; nearer, the steps between places could be seen
const camera = { x: 0, y: 0, zoom: 0.01, width: 0, height: 0, fitted: 0.01, moving: 0 };
const calmly = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const across = (x) => (x - camera.x) * camera.zoom;
const down = (y) => (y - camera.y) * camera.zoom;
const unitsAt = (px, py) => [camera.x + px / camera.zoom, camera.y + py / camera.zoom];
// The view of which `box` [left, top, right, bottom] is the middle, and which holds all of it.
const viewOf = ([left, top, right, bottom], margin = MARGIN) => {
  const roomy = Math.min(margin, camera.width / 12, camera.height / 8);
  const zoom = Math.min(
    (camera.width - 2 * roomy) / Math.max(1, right - left), (camera.height - 2 * roomy) / Math.max(1, bottom - top), NEAREST);
  return {
    x: (left + right - camera.width / zoom) / 2, y: (top + bottom - camera.height / zoom) / 2, zoom,
  };
};
const stay = () => { cancelAnimationFrame(camera.moving); camera.moving = 0; };
const place = (view) => {
  Object.assign(camera, view);
  // The middle of the window stays on the map.
  const [middleX, middleY] = unitsAt(camera.width / 2, camera.height / 2);
  camera.x += Math.max(0, Math.min(UNITS, middleX)) - middleX;
  camera.y += Math.max(0, Math.min(UNITS, middleY)) - middleY;
  redraw();
};
// Moves there in a third of a second, the logarithm of the zoom evenly.
const travel = (view) => {
  stay();
  if (calmly()) { place(view); return; }
  const from = { x: camera.x + camera.width / 2 / camera.zoom, y: camera.y + camera.height / 2 / camera.zoom, zoom: camera.zoom };
  const to = { x: view.x + camera.width / 2 / view.zoom, y: view.y + camera.height / 2 / view.zoom, zoom: view.zoom };
  const began = performance.now();
  const move = (now) => {
    const share = Math.min(1, Math.max(0, now - began) / 350);
    const eased = share * share * (3 - 2 * share);
    const zoom = from.zoom * (to.zoom / from.zoom) ** eased;
    // What is to be seen grows as the window does, so that the way bends neither in nor out.
    const bent = Math.abs(to.zoom / from.zoom - 1) < 0.01 ? eased
      : (1 / zoom - 1 / from.zoom) / (1 / to.zoom - 1 / from.zoom);
    const [x, y] = [from.x + (to.x - from.x) * bent, from.y + (to.y - from.y) * bent];
    camera.moving = share < 1 ? requestAnimationFrame(move) : 0;
    place({ x: x - camera.width / 2 / zoom, y: y - camera.height / 2 / zoom, zoom });
  };
  camera.moving = requestAnimationFrame(move);
};
const zoomed = (factor, px = camera.width / 2, py = camera.height / 2) => {
  const zoom = Math.max(camera.fitted / 2, Math.min(NEAREST, camera.zoom * factor));
  const [x, y] = unitsAt(px, py);
  return { x: x - px / zoom, y: y - py / zoom, zoom };
};
const panned = (dx, dy) => ({ x: camera.x + dx / camera.zoom, y: camera.y + dy / camera.zoom, zoom: camera.zoom });
