// What lies over the points: photographs, words that are searched, names of clusters, the area.
const over = find('.map .over');
const pen = over.getContext('2d');
let spots = []; // names that can be pressed: { x, y, width, height, cluster }
const widths = new Map();
const widthOf = (words, font) => {
  const key = `${font}|${words}`;
  if (!widths.has(key)) { pen.font = font; widths.set(key, pen.measureText(words).width); }
  return widths.get(key);
};
const fontOf = (size, weight = 600) => `${weight} ${size}px ${tokens.font}`;

const drawThumbs = (now) => {
  let fading = false;
  for (const one of laid) {
    const known = want(one.point);
    if (!known?.since) continue;
    const shown = calmly() ? 1 : Math.min(1, (now - known.since) / 180);
    fading ||= shown < 1;
    const opacity = shown * (chart.moods[one.point] === MOOD.dim && one.point !== openedPoint() ? 0.35 : 1);
    const { naturalWidth: width, naturalHeight: height } = known.image;
    const room = one.size * 0.94;
    const share = Math.min(room / width, (room * 0.82) / height);
    const [w, h] = [Math.round(width * share), Math.round(height * share)];
    Object.assign(one, { w, h });
    const [left, top] = [Math.round(one.x - w / 2), Math.round(one.y - h / 2)];
    const strong = chart.moods[one.point] === MOOD.strong;
    const edge = strong ? 3 : 2;
    pen.globalAlpha = opacity;
    pen.strokeStyle = css(chart.colours[chart.colourAt(one.point)] ?? tokens.muted);
    pen.lineWidth = edge;
    pen.strokeRect(left - edge / 2, top - edge / 2, w + edge, h + edge);
    pen.drawImage(known.image, left, top, w, h);
  }
  pen.globalAlpha = 1;
  return fading;
};
const ring = (point, colour, wide) => {
  if (point < 0) return;
  const { places } = chart.made;
  const one = laid.find((other) => other.point === point && other.w);
  pen.strokeStyle = css(colour);
  pen.lineWidth = wide;
  if (one) { pen.strokeRect(one.x - one.w / 2 - 4, one.y - one.h / 2 - 4, one.w + 8, one.h + 8); return; }
  pen.beginPath();
  pen.arc(across(places[2 * point]), down(places[2 * point + 1]), 9, 0, 2 * Math.PI);
  pen.stroke();
};
const plate = (x, y, width, height, fill, edge) => {
  pen.beginPath();
  pen.roundRect(x, y, width, height, height / 2);
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = edge;
  pen.lineWidth = 1;
  pen.stroke();
};
const fits = (box, taken) => box.x > 2 && box.y > 2 && box.x + box.width < camera.width - 2 && box.y + box.height < camera.height - 2
  && taken.every((one) => box.x > one.x + one.width + 4 || one.x > box.x + box.width + 4
    || box.y > one.y + one.height + 3 || one.y > box.y + box.height + 3);
// A word lies where its nearest photographs are; threads lead to the best of them.
const drawQueryWords = (taken) => {
  const font = fontOf(14, 700);
  for (const one of chart.likeness?.terms ?? []) {
    const [x, y] = [across(one.x), down(one.y)];
    const { places } = chart.made;
    pen.strokeStyle = css(tokens.ink, 0.45);
    pen.lineWidth = 1.2;
    for (const point of one.nearest.slice(0, 6)) {
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(across(places[2 * point]), down(places[2 * point + 1]));
      pen.stroke();
    }
    pen.beginPath();
    for (const [dx, dy] of [[0, -11], [11, 0], [0, 11], [-11, 0]]) pen.lineTo(x + dx, y + dy);
    pen.closePath();
    pen.fillStyle = css(one.weight < 0 ? tokens.card : tokens.ink);
    pen.fill();
    pen.strokeStyle = css(one.weight < 0 ? tokens.ink : tokens.card);
    pen.lineWidth = 2;
    pen.stroke();
    const said = one.weight < 0 ? `− ${one.text}` : one.text;
    const width = widthOf(said, font) + 20;
    const box = [[16, -13], [-width - 16, -13], [-width / 2, -42], [-width / 2, 16]]
      .map(([dx, dy]) => ({ x: x + dx, y: y + dy, width, height: 26 })).find((spot) => fits(spot, taken));
    taken.push({ x: x - 12, y: y - 12, width: 24, height: 24 });
    if (!box) continue;
    taken.push(box);
    plate(box.x, box.y, width, 26, css(tokens.ink), css(tokens.card));
    pen.font = font;
    pen.fillStyle = css(tokens.card);
    pen.fillText(said, box.x + 10, box.y + 18);
  }
};
const drawNames = (taken) => {
  spots = [];
  const photos = laid.filter((one) => one.w).map(({ x, y, w, h }) => ({ x: x - w / 2, y: y - h / 2, width: w, height: h }));
  const most = Math.max(4, Math.floor((camera.width * camera.height) / 21_000));
  const font = fontOf(13);
  for (const one of chart.made.clusters) {
    if (spots.length >= most) break;
    const [x, y] = [across(one.x), down(one.y)];
    const dot = chart.colouring === 'cluster' ? 16 : 0;
    const width = Math.ceil(widthOf(named(one), font)) + 22 + dot;
    // Beside photographs rather than on them, where there is room.
    const boxes = [[0, -13], [0, -48], [0, 22], [0, -70], [0, 44], [-70, -13], [70, -13]]
      .map(([dx, dy]) => ({ x: Math.round(x + dx - width / 2), y: Math.round(y + dy), width, height: 26 }))
      .filter((spot) => fits(spot, taken));
    const box = boxes.find((spot) => fits(spot, photos)) ?? boxes[0];
    if (!box) continue;
    taken.push(box);
    spots.push({ ...box, cluster: one.id });
    plate(box.x, box.y, width, 26, css(tokens.card, 0.92), css(tokens.edge, 0.7));
    if (dot) {
      pen.beginPath();
      pen.arc(box.x + 15, box.y + 13, 5, 0, 2 * Math.PI);
      pen.fillStyle = css(hueOf(one.id));
      pen.fill();
    }
    pen.font = font;
    pen.fillStyle = css(tokens.ink);
    pen.fillText(named(one), box.x + 11 + dot, box.y + 18);
  }
};
const drawArea = () => {
  const area = readArea(asked.among, chart.made.state);
  const corners = steering.drawn ? steering.drawn.flat() : area?.corners;
  if (!corners?.length) return;
  pen.beginPath();
  for (let i = 0; i < corners.length; i += 2) pen.lineTo(across(corners[i]), down(corners[i + 1]));
  pen.closePath();
  pen.fillStyle = css(tokens.accent, 0.1);
  pen.fill('evenodd');
  pen.setLineDash(steering.drawn ? [6, 4] : []);
  pen.strokeStyle = css(tokens.accent);
  pen.lineWidth = 2;
  pen.stroke();
  pen.setLineDash([]);
};
// The middle, for those who steer by keys.
const drawMiddle = () => {
  if (!over.matches(':focus-visible')) return;
  const [x, y] = [camera.width / 2, camera.height / 2];
  pen.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    pen.moveTo(x + 5 * dx, y + 5 * dy);
    pen.lineTo(x + 14 * dx, y + 14 * dy);
  }
  for (const [colour, wide] of [[tokens.card, 5], [tokens.ink, 2]]) {
    pen.strokeStyle = css(colour);
    pen.lineWidth = wide;
    pen.stroke();
  }
};
const drawOver = (now) => {
  const ratio = over.width / camera.width;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, camera.width, camera.height);
  layThumbs();
  const fading = drawThumbs(now);
  drawArea();
  const opened = openedPoint();
  ring(steering.hovered, tokens.ink, 2);
  ring(opened, tokens.accent, 4);
  const { width, height } = camera; // where the buttons and the hint lie
  const taken = [{ x: width - 56, y: 0, width: 56, height: 204 }, { x: 0, y: height - 40, width: Math.min(width, 470), height: 40 }];
  drawQueryWords(taken);
  drawNames(taken);
  drawMiddle();
  if (fading) redraw();
};
