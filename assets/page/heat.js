
// Where the model looked, over the photograph. A card says which of its bars was chosen
// (`clipapp:look`), the server sends progress and map (`clipapp:looked`), and `clipapp:look-stop`,
// from here or from the card, takes all away.
const glass = make('canvas', { className: 'glass', hidden: true, 'aria-hidden': 'true' });
const legend = make('button', { type: 'button', className: 'legend', hidden: true });
const looked = find('.looked');
const GLASS = 720; // the longer side; a map has 14 cells
let asked = null; // the card and label of the bar chosen

const paintGlass = ({ values, box }) => {
  const { naturalWidth, naturalHeight } = shown;
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

const paintLooked = (found) => {
  const running = found?.state === 'running';
  const there = found?.state === 'shown';
  looked.hidden = !found;
  glass.hidden = legend.hidden = !there;
  if (!found) return;
  const done = found.total ? Math.round((100 * found.done) / found.total) : 0;
  const line = find('.looking');
  line.hidden = !running;
  line.setAttribute('aria-valuenow', done);
  line.setAttribute('aria-label', say('heat_running', { text: found.label }));
  line.firstElementChild.style.width = `${done}%`;
  find('.where').textContent = running ? say('heat_running', { text: found.label }) : found.sentence;
  find('.looked .how').textContent = running ? '' : (found.how ?? '');
  find('.halt').textContent = say(running ? 'heat_stop' : 'heat_off');
  find('.halt').hidden = there; // the legend is a button itself
  if (!there) return;
  legend.textContent = `${found.legend} ×`;
  legend.setAttribute('aria-label', `${found.legend}, ${say('heat_off')}`);
  paintGlass(found);
};

const endLook = () => { if (asked) tell('look-stop', asked.card); };
shown.after(glass);
stage.append(legend);
stage.after(looked);
for (const one of [legend, find('.halt')]) one.addEventListener('click', endLook);
window.addEventListener('clipapp:look', ({ detail }) => {
  asked = detail;
  paintLooked({ state: 'running', label: detail.label });
  stage.scrollIntoView({ block: 'nearest' }); // on a phone the card is a screen below
});
window.addEventListener('clipapp:looked', ({ detail }) => {
  if (detail.card === asked?.card && detail.label === asked.label) paintLooked(detail);
});
window.addEventListener('clipapp:look-stop', ({ detail }) => {
  if (detail === asked?.card) paintLooked((asked = null));
});
window.clipApp.onTab(endLook);
