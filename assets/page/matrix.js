const KINDS = ['cosine', 'by_photo', 'by_text'];
const WAIT = 400; // milliseconds after the last key
const root = find('.matrix');
const field = find('textarea');
const sheet = find('.sheet');
const { show: showPhotos } = uploads(find('.up'), () => ({ texts: field.value }));
let kind = KINDS[0];
let timer;

const ask = () => {
  clearTimeout(timer);
  root.classList.add('stale');
  trigger('ask', { texts: field.value });
};
field.addEventListener('input', () => {
  clearTimeout(timer);
  root.classList.add('stale');
  timer = setTimeout(ask, WAIT);
});

const shown = (value) => (kind === 'cosine' ? decimal(value) : percent(value));
const best = (values) => values.indexOf(Math.max(...values));

const units = find('.units');
for (const one of KINDS) {
  const radio = make('input', { type: 'radio', name: `${element.id}-unit`, value: one });
  radio.checked = one === kind;
  radio.addEventListener('change', () => {
    kind = one;
    showTable();
  });
  units.append(make('label', {}, radio, make('span')));
}

const cell = (value, strength, marks, name) => {
  const made = make('td', { ariaLabel: [name, ...marks.map(([, said]) => said)].join('; ') },
    shown(value), ...marks.map(([sign]) => make('i', { ariaHidden: 'true' }, sign)));
  made.style.setProperty('--heat', `${(100 * strength).toFixed(1)}%`);
  made.classList.toggle('best', marks.length > 0);
  return made;
};

const showTable = () => {
  const { matrix } = props.value;
  sheet.hidden = !matrix;
  find('.legend').hidden = !matrix;
  find('.said').textContent = matrix ? say(`matrix_${kind}_said`) : '';
  if (!matrix) return;
  const { names, pictures, texts } = matrix;
  const values = matrix[kind];
  const all = matrix.cosine.flat();
  const [low, high] = kind === 'cosine' ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const strength = (value) => (high > low ? (value - low) / (high - low) : 0.5);
  const ofRow = matrix.cosine.map(best);
  const ofColumn = names.map((_, column) => best(matrix.cosine.map((row) => row[column])));
  const head = make('tr', {}, make('td', { className: 'corner' }), ...names.map((name, column) =>
    make('th', { scope: 'col', title: name },
      make('img', { src: served(pictures[column]), alt: name }))));
  const body = texts.map((text, row) => {
    const dot = make('i', { className: 'dot' });
    dot.style.background = colour(row);
    const label = make('th', { scope: 'row', title: text }, make('div', {}, dot, make('span', {}, text)));
    return make('tr', {}, label, ...names.map((name, column) => {
      const marks = [];
      if (ofColumn[column] === row) marks.push(['▾', say('matrix_best_photo')]);
      if (ofRow[row] === column) marks.push(['▸', say('matrix_best_text')]);
      const value = values[row][column];
      // Some screen readers pass over a minus, and none over a hyphen.
      return cell(value, strength(value), marks, `${name}, ${text}: ${shown(value).replace('−', '-')}`);
    }));
  });
  find('table').replaceChildren(make('thead', {}, head), make('tbody', {}, ...body));
  find('table').style.setProperty('--photos', names.length);
  find('.legend').replaceChildren(
    make('span', {}, shown(low)), make('i', { className: 'scale', ariaHidden: 'true' }),
    make('span', {}, shown(high)),
    make('span', {}, `▾ ${say('matrix_best_photo')}`),
    make('span', {}, `▸ ${say('matrix_best_text')}`));
  measure();
};

const measure = () => {
  const hidden = sheet.scrollWidth <= sheet.clientWidth + 1;
  find('.hint').hidden = hidden;
  root.classList.toggle('scrolls', !hidden);
};
new ResizeObserver(measure).observe(sheet);

const showAll = () => {
  const { photos, matrix, error, asked } = props.value;
  showPhotos(photos);
  find('.texts span').textContent = say('matrix_texts');
  units.firstChild.textContent = say('matrix_numbers');
  [...units.querySelectorAll('span')].forEach((span, i) => {
    span.textContent = say(`matrix_${KINDS[i]}`);
  });
  sheet.ariaLabel = find('.sr[role]').textContent = matrix
    ? `${say('matrix')} (${matrix.names.length} × ${matrix.texts.length})` : '';
  find('.example').hidden = !matrix || matrix.own;
  find('.example').textContent = say('matrix_example');
  find('.hint').textContent = matrix ? `↔ ${say('matrix_scroll', { count: matrix.names.length })}` : '';
  find('.error').hidden = !error;
  find('.error').textContent = error ? both(error) : '';
  find('.notices').replaceChildren(
    ...(matrix?.notices ?? []).map((one) => make('p', { className: 'told' }, both(one))));
  if (asked === field.value) root.classList.remove('stale');
  showTable();
};

/** The example's sentences, in the page's language, while nobody has changed them. */
const fill = () => {
  const before = field.value;
  if (!before.trim() || Object.values(props.examples).includes(before)) {
    field.value = props.examples[language()];
  }
  return field.value !== before;
};

window.addEventListener('clipapp:language', () => {
  const known = props.value.asked !== null;
  if (fill() && known) ask();
  showAll();
});
field.value = props.value.asked ?? '';
fill();
// Nothing is compared before it is opened: what is closed or in another tab has no place at all.
new IntersectionObserver(([entry], watching) => {
  if (!entry.isIntersecting) return;
  watching.disconnect();
  if (props.value.asked === null) ask();
}, { rootMargin: '9999px' }).observe(element);
watch('value', showAll);
showAll();
