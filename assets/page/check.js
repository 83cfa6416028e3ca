const LEAST_FOR_LISTS = 100;
const FIRST_FIVE = 5; // of no more classes the right one is always among them
const FIRST = 8; // of the photographs that were named wrongly, before one asks for more
const { show: showDrop, clear } = uploads(find('.up'), () => ({}), ',.zip,.csv,.tsv,.txt');
const go = find('.go');
const halt = find('.halt');
const folder = find('#check-folder');
const names = find('#check-names');
const taught = find('#check-taught');
const models = find('.models > div');
const result = find('.result');
let shownResult = null;
let found = [];
let chosen = 0; // the model whose figures are shown
let cell = null; // where the photographs of a cell go, and its button

const rate = (value) => (100 * value).toFixed(1);
/** A share as the report says it: `83.3 % (43.6–97.0)`. */
const share = ({ value, low, high }) =>
  value === null ? '–' : `${rate(value)} % (${rate(low)}–${rate(high)})`;

const table = (keys, rows) =>
  make('div', { className: 'scroll' },
    make('table', {},
      make('thead', {}, make('tr', {}, ...keys.map((key) => make('th', { scope: 'col' }, key && say(key))))),
      make('tbody', {}, ...rows.map(({ cells, best }) =>
        make('tr', { className: best ? 'best' : '' },
          ...cells.map((one) => make('td', {}, String(one))))))));
const section = (key, ...children) => make('section', {}, make('h4', {}, say(key)), ...children);
const note = (text) => make('p', { className: 'note' }, text);
const folded = (title, ...children) =>
  make('details', { className: 'fold' }, make('summary', {}, title), ...children);

const photos = (list) =>
  make('div', { className: 'photos' }, ...list.map(([name, picture, ...said]) =>
    make('figure', {},
      make('img', { loading: 'lazy', decoding: 'async', alt: name, ...(picture && { src: served(picture) }) }),
      make('figcaption', {}, ...said.flatMap((one) => [one, make('br')]), make('small', {}, ...breakable(name))))));
const findings = (list) => {
  if (!list.length) return [note(say('check_none'))];
  const all = list.map(({ photo, label, named, score }) => [...photo, `${label} → ${named}`, percent(score)]);
  const rest = all.slice(FIRST);
  return [photos(all.slice(0, FIRST)), ...(rest.length ? [folded(say('check_rest'), photos(rest))] : [])];
};

const calibration = ({ calibration: one }) =>
  one
    ? say('check_after', { before: one.before.toFixed(3), after: one.after.toFixed(3),
        temperature: one.temperature.toFixed(2) })
    : '–';

const figures = (one) => {
  const figure = (key, { value, low, high }) =>
    make('div', {}, make('dt', {}, say(key)),
      make('dd', {}, make('b', {}, `${rate(value)} %`), ' ',
        make('small', {}, `${rate(low)}–${rate(high)}`)));
  return make('div', {},
    make('dl', { className: 'figures' }, figure('check_top1', one.top1),
      ...(one.classes.length > FIRST_FIVE ? [figure('check_top5', one.top5)] : []),
      make('div', {}, make('dt', {}, say('check_calibration')), make('dd', {}, calibration(one)))),
    note(say('check_photos', { number: one.photographs, classes: one.classes.length,
      failed: one.failed.length })));
};

const closeCell = () => {
  cell?.place.replaceChildren();
  cell?.button.setAttribute('aria-expanded', 'false');
  const from = cell?.button;
  cell = null;
  return from;
};
const matrix = (one) => {
  const place = make('div', { ariaLive: 'polite' });
  const wide = one.shown.map((label) => one.classes[label].name);
  const total = one.matrix.map((row) => row.reduce((sum, x) => sum + x, 0));
  const button = (row, column) => {
    const count = one.matrix[row][column];
    if (!count) return '';
    const values = { label: wide[row], named: wide[column], number: count };
    const told = say(row === column ? 'check_cell_right' : 'check_cell', values);
    const made = make('button', { type: 'button', className: row === column ? 'hit' : 'miss',
      ariaLabel: told, title: told }, String(count));
    made.setAttribute('aria-expanded', 'false');
    made.style.setProperty('--depth', `${15 + (60 * count) / total[row]}%`);
    made.addEventListener('click', () => {
      const same = closeCell() === made;
      if (same) return;
      cell = { place, button: made, model: chosen, label: one.shown[row], named: one.shown[column] };
      made.setAttribute('aria-expanded', 'true');
      trigger('cell', { model: chosen, label: cell.label, named: cell.named });
    });
    return made;
  };
  const head = make('tr', {}, make('td'), ...wide.map((name) => make('th', { scope: 'col', title: name }, name)));
  const rows = wide.map((name, row) =>
    make('tr', {}, make('th', { scope: 'row', title: name }, name),
      ...wide.map((_, column) => make('td', {}, button(row, column)))));
  const cut = one.shown.length < one.classes.length
    ? [note(say('check_confusion_cut', { shown: one.shown.length, all: one.classes.length }))] : [];
  return section('check_confusion', note(say('check_confusion_note')), ...cut,
    make('div', { className: 'scroll' },
      make('table', { className: 'matrix' }, make('thead', {}, head), make('tbody', {}, ...rows))),
    place);
};
window.addEventListener('clipapp:check', ({ detail }) => {
  if (!cell || !detail?.photos) return;
  if (['model', 'label', 'named'].some((key) => detail[key] !== cell[key])) return;
  const close = make('button', { type: 'button', className: 'pill', ariaLabel: say('check_close') }, '×');
  close.addEventListener('click', () => closeCell().focus());
  const more = detail.more ? [note(say('check_cell_more', { number: detail.more }))] : [];
  cell.place.replaceChildren(make('div', { className: 'cell' },
    make('div', { className: 'head' }, make('h5', {}, cell.button.ariaLabel), close),
    photos(detail.photos), ...more));
});

const compared = (one) =>
  folded(say('check_compared'), note(say('check_compared_note')),
    table(['check_templates', 'check_choosing', 'check_telling'], one.templates_compared.map((each) => ({
      cells: [say(`templates_${each.templates}`), share(each.choosing), share(each.telling)] }))));
const namesOf = ({ names_compared: one }) =>
  one
    ? [section('check_names',
        note(say('check_names_told', { before: share(one.before), after: share(one.after) })),
        table(['check_class', 'check_name', 'check_choosing', 'check_telling'], one.all.map((each) => ({
          best: each.best,
          cells: [each.class, each.best ? `✓ ${each.name}` : each.name, share(each.choosing), share(each.telling)],
        }))))]
    : [];
const lists = (one) => {
  const told = one.conformal;
  if (!told) return note(say('check_few', { number: LEAST_FOR_LISTS }));
  const take = make('button', { type: 'button', className: 'pill' }, say('check_take'));
  take.addEventListener('click', () => {
    window.clipApp.go({ labels: one.classes.map(({ name }) => name).join(', '), set: '' });
    window.scrollTo({ top: 0, behavior: 'smooth' });
  });
  return section('check_lists',
    note(say('check_lists_told', { threshold: `${Number((100 * told.threshold).toPrecision(2))} %`,
      size: told.size.toFixed(1), coverage: share(told.coverage), wanted: Math.round(100 * told.wanted) })),
    make('p', {}, take));
};
const classes = (one) =>
  folded(say('check_each'), table(['check_class', 'check_number', 'check_recall', 'check_precision'],
    one.classes.map(({ name, recall, precision }) => ({
      cells: [name, recall.of, share(recall), share(precision)] }))));

const side = () => {
  if (found.length < 2) return [];
  const five = found[0].classes.length > FIRST_FIVE;
  const pick = found.map((one, index) => {
    const button = make('button', { type: 'button', className: 'pill' }, one.model);
    button.ariaPressed = String(index === chosen);
    button.addEventListener('click', () => {
      chosen = index;
      draw();
      result.querySelectorAll('.which button')[index].focus();
    });
    return button;
  });
  return [section('check_side',
    table(['check_model', 'check_top1', ...(five ? ['check_top5'] : []), 'check_calibration'], found.map((one) => ({
      cells: [one.model, share(one.top1), ...(five ? [share(one.top5)] : []), calibration(one)] })))),
  make('div', { className: 'which', role: 'group', ariaLabel: say('check_model') }, ...pick)];
};

const draw = () => {
  cell = null;
  const one = found[chosen];
  if (!one) {
    result.replaceChildren();
    return;
  }
  const unread = one.unread.map((why) => make('li', {}, both(why)));
  result.replaceChildren(...side(), figures(one),
    ...(unread.length ? [folded(say('check_unread', { number: unread.length }), make('ul', {}, ...unread))] : []),
    matrix(one),
    section('check_worst', ...findings(one.worst)),
    section('check_doubtful', note(say('check_doubtful_note')),
      ...findings(one.likely_mislabelled)),
    ...namesOf(one), lists(one), classes(one), compared(one));
};

const showChoices = () => {
  const { folders, models: others } = props.value;
  const before = folder.value;
  folder.replaceChildren(new Option(say('check_folder_none'), ''),
    ...folders.map((one) => new Option(both(one.name), one.folder)));
  folder.value = folders.some((one) => one.folder === before) ? before : '';
  const marked = new Set([...models.querySelectorAll('input:checked')].map((one) => one.value));
  models.replaceChildren(...(others.length ? others.map((one) => {
    const box = make('input', { type: 'checkbox', value: one.name, disabled: !one.fits });
    box.checked = one.fits && marked.has(one.name);
    return make('label', {}, box, say('check_model_needs', one));
  }) : [note(say('check_models_none'))]));
};

const show = () => {
  const { files, bytes, progress, stopped, error, number, result: told } = props.value;
  find('.intro').textContent = say('check_intro');
  find('.folder span').textContent = say('check_folder');
  taught.nextElementSibling.textContent = say('check_taught');
  find('.when').textContent = say('check_taught_when');
  find('.compare summary').textContent = say('check_more');
  find('.compare .field span').textContent = say('check_synonyms');
  find('.models legend').textContent = say('check_models');
  showDrop({ count: 0, bytes: 0, strip: [] });
  const sent = find('.sent');
  sent.hidden = !files.length;
  const some = files.slice(0, 3).join(', ') + (files.length > 3 ? ` … (${files.length})` : '');
  sent.firstChild.textContent = say('check_sent', { names: some, size: megabytes(bytes) });
  sent.lastChild.textContent = say('photos_clear');
  showChoices();
  go.textContent = say(number ? 'check_again' : 'check_run');
  go.hidden = Boolean(progress);
  go.disabled = false;
  halt.textContent = say('check_stop');
  halt.hidden = !progress;
  halt.disabled = false;
  find('.line').hidden = !progress;
  find('.line i').style.width = progress?.total ? `${(100 * progress.done) / progress.total}%` : '0%';
  find('.state').textContent = progress ? both(progress.said) : stopped ? say('check_stopped') : '';
  find('.error').hidden = !error;
  find('.error').textContent = error ? both(error) : '';
  if (told !== shownResult) {
    shownResult = told;
    found = told ? JSON.parse(told) : [];
    chosen = 0;
    draw();
  }
};

go.addEventListener('click', () => {
  go.disabled = true;
  const marked = [...models.querySelectorAll('input:checked')].map((one) => one.value);
  trigger('run', { folder: folder.value, synonyms: names.value, models: marked,
    taught: taught.checked });
});
halt.addEventListener('click', () => {
  halt.disabled = true;
  trigger('stop');
});
find('.sent button').addEventListener('click', clear);
window.addEventListener('clipapp:language', () => {
  show();
  draw();
});
watch('value', show);
show();
