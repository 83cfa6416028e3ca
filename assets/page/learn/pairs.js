const table = find('table');
const fields = find('.fields');
let captions = props.captions[language()];
let order = captions.map((_, i) => i); // which caption stands in which row
const narrow = window.matchMedia('(max-width: 560px)'); // as in the style sheet
let held = null; // the row whose caption was clicked first

const heat = temperature(() => paint());

const isExample = () => Object.values(props.captions).some((one) => one.join('\n') === captions.join('\n'));
const ask = (more = {}) => trigger('ask', { captions, ...more });

const swap = (row) => {
  if (held === null) held = row;
  else {
    [order[held], order[row]] = [order[row], order[held]];
    held = null;
  }
  paint();
  table.querySelectorAll('.said')[row].focus();
};

const captionCell = (pairs, row) => {
  const said = make('button', { type: 'button', className: 'said' }, pairs.captions[order[row]]);
  said.ariaPressed = String(held === row);
  said.addEventListener('click', () => swap(row));
  return make('th', { scope: 'row' }, said);
};

const lossCell = (loss, name, chance) => {
  const made = make('td', { className: 'one', ariaLabel: `${name}: ${say('learn_pairs_loss')} ${show(loss)}` }, show(loss, 2));
  made.classList.toggle('high', loss > chance);
  return made;
};

const paint = () => {
  const { pairs } = props.value;
  find('.sheet').hidden = find('.bar').hidden = find('.loss').hidden = !pairs;
  if (!pairs) return;
  const scale = heat.of(pairs.scale);
  const rows = pairs.cosines.map((row) => order.map((one) => row[one]));
  const count = rows.length;
  const chance = Math.log(count);
  const { byImage, byText } = losses(rows, scale);
  const ofImage = rows.map((row) => shares(row, scale));
  const ofText = rows.map((_, j) => shares(rows.map((row) => row[j]), scale));
  const head = make('tr', {}, make('td', { className: 'first' }), ...pairs.names.map((name, i) =>
    make('th', { scope: 'col' }, make('img', { src: served(pairs.pictures[i]), alt: name }))),
    make('th', { scope: 'col', className: 'hint' }, say('learn_pairs_loss')));
  const body = order.map((_, row) => make('tr', {}, captionCell(pairs, row),
    ...rows.map((of, i) => {
      const made = make('td', { className: row === i ? 'cell pair' : 'cell' }, show(of[row], narrow.matches ? 2 : 3));
      made.style.setProperty('--heat', `${(50 * (ofImage[i][row] + ofText[row][i])).toFixed(1)}%`);
      return made;
    }), lossCell(byText[row], pairs.captions[order[row]], chance)));
  const whole = (mean(byImage) + mean(byText)) / 2;
  const foot = make('tr', {}, make('th', { scope: 'row', className: 'hint' }, say('learn_pairs_loss')),
    ...byImage.map((one, i) => lossCell(one, pairs.names[i], chance)),
    make('td', { className: 'all', ariaLabel: `${say('learn_pairs_loss')} ${show(whole)}` }, show(whole, 2)));
  table.replaceChildren(make('thead', {}, head), make('tbody', {}, ...body, foot));
  const told = make('b', {}, show(whole));
  told.dataset.loss = whole;
  find('.loss').replaceChildren(`${say('learn_pairs_whole')} `, told, ` · ${say('learn_pairs_both', {
    by_image: show(mean(byImage)), by_text: show(mean(byText)), count, chance: show(chance),
  })}`);
  find('.right').textContent = say('learn_pairs_right');
  find('.right').disabled = order.every((one, i) => one === i);
};

let lost = null; // why a photograph was not uploaded
const paintTold = () => {
  const { error } = props.value;
  find('.told').hidden = !error && !lost;
  find('.told').textContent = lost ? say(lost.key, lost.values) : error ? both(error) : '';
};
const paintFields = () => {
  const { pairs } = props.value;
  find('.hint').textContent = say('learn_pairs_hint');
  find('.sheet').ariaLabel = say('learn_pairs_table');
  find('summary').textContent = say('learn_pairs_yours');
  paintTold();
  if (!pairs) return;
  fields.replaceChildren(...captions.map((caption, i) => {
    const pick = make('input', { type: 'file', accept: 'image/*,.heic,.heif,.avif' });
    pick.ariaLabel = say('learn_pairs_photo', { number: i + 1 });
    pick.addEventListener('change', async () => {
      const [file] = pick.files;
      pick.value = ''; // the same one can be chosen again
      if (!file) return;
      lost = null;
      const { name, path, problem } = await send(file);
      if (!problem) return ask({ place: i, files: [{ path, name }] });
      lost = problem;
      paintTold();
    });
    const typed = make('input', { type: 'text', value: caption, maxLength: props.longest });
    typed.ariaLabel = say('learn_pairs_caption', { number: i + 1 });
    typed.addEventListener('change', () => {
      captions = captions.with(i, typed.value);
      ask();
    });
    return make('li', {}, make('img', { src: served(pairs.pictures[i]), alt: '' }),
      make('label', { className: 'plain pick' }, pick, say('learn_pairs_replace')), typed);
  }));
};

find('.right').addEventListener('click', () => {
  order = order.map((_, i) => i);
  held = null;
  paint();
});
narrow.addEventListener('change', () => paint());
window.addEventListener('clipapp:language', () => {
  if (isExample() && props.value.pairs) {
    captions = props.captions[language()];
    ask();
  }
  paintFields();
  paint();
});
watch('value', () => {
  paintFields();
  paint();
});
paintFields();
paint();
whenSeen(() => {
  if (isExample()) captions = props.captions[language()];
  ask();
});
