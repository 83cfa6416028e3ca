// A heat map over a photograph: the map itself, its legend, and below them what is to be said of it.
const GLASS = 720; // the longer side; a map has 14 cells

/**
 * Lays maps over `picture`, an image in `stage`. `panel` is what `heat.html` holds, `close` is
 * called when the map, or the run that makes it, is wanted no more.
 *
 * Returns what paints one state: `running` (with `done` of `total`), `shown`, `unclear`, or null.
 */
const heatOver = ({ stage, picture, panel, close }) => {
  const glass = make('canvas', { className: 'glass', hidden: true, 'aria-hidden': 'true' });
  const legend = make('button', { type: 'button', className: 'legend', hidden: true });
  const halt = panel.querySelector('.halt');
  let began = 0; // when the run was asked for
  let last = null; // what is painted
  picture.after(glass);
  stage.append(legend);
  for (const one of [legend, halt]) one.addEventListener('click', close);

  // How long it takes goes by the model: 1 s or 10. What would be over at once is not announced.
  const left = ({ done, total }) => {
    const seconds = done ? ((performance.now() - began) / 1000) * (total / done - 1) : 0;
    return seconds < 2 ? '' : say('heat_left', { seconds: Math.ceil(seconds) });
  };

  const paintGlass = ({ values, box }) => {
    const { naturalWidth, naturalHeight } = picture;
    const scale = GLASS / Math.max(naturalWidth, naturalHeight);
    glass.width = Math.round(naturalWidth * scale);
    glass.height = Math.round(naturalHeight * scale);
    const pen = glass.getContext('2d');
    pen.fillStyle = getComputedStyle(stage).getPropertyValue('--heat').trim() || '#e4570c';
    const heat = [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
    const dim = [20, 20, 24];
    const cells = make('canvas', { width: values[0].length, height: values.length });
    const small = cells.getContext('2d');
    const dots = small.createImageData(cells.width, cells.height);
    values.flat().forEach((value, place) => {
      const share = Math.max(0, value);
      const rgb = heat.map((one, at) => one * share + dim[at] * (1 - share));
      dots.data.set([...rgb, 255 * (0.36 + 0.34 * share)], 4 * place);
    });
    small.putImageData(dots, 0, 0);
    // What the model did not see, at the sides of what is no square, is dark, too.
    pen.fillStyle = `rgb(${dim.join(' ')} / 60%)`;
    pen.fillRect(0, 0, glass.width, glass.height);
    const [left, top, right, bottom] = box;
    const place = [left * glass.width, top * glass.height, (right - left) * glass.width, (bottom - top) * glass.height];
    pen.clearRect(...place);
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(cells, ...place);
  };

  const paint = (found) => {
    last = found;
    const running = found?.state === 'running';
    const there = found?.state === 'shown';
    panel.hidden = !found;
    glass.hidden = legend.hidden = !there;
    if (!found) return;
    const done = found.total ? Math.round((100 * found.done) / found.total) : 0;
    const line = panel.querySelector('.looking');
    line.hidden = !running;
    line.setAttribute('aria-valuenow', done);
    line.ariaLabel = say('heat_running', { text: found.label });
    line.firstElementChild.style.width = `${done}%`;
    panel.querySelector('.where').textContent = running ? say('heat_running', { text: found.label }) : both(found.sentence);
    if (running && !found.done) began = performance.now();
    panel.querySelector('.how').textContent = running ? left(found) : found.how ? both(found.how) : '';
    halt.textContent = say(running ? 'heat_stop' : 'heat_off');
    halt.hidden = there; // the legend is a button itself
    if (!there) return;
    legend.textContent = `${both(found.legend)} ×`;
    legend.setAttribute('aria-label', `${both(found.legend)}, ${say('heat_off')}`);
    paintGlass(found);
  };
  window.addEventListener('clipapp:language', () => { if (last) paint(last); });
  return paint;
};
