const HOWS = ['copy', 'move', 'hardlink', 'symlink', 'tag', 'tag_stem'];
const root = find('.sorting');
const how = find('#sorting-how');
const target = find('#sorting-target');
const together = find('#sorting-together');
const go = find('#sorting-plan');
const halt = find('#sorting-stop');
const act = find('#sorting-do');
const back = find('.back input');
const undoing = find('.undoing');

let value = null; // the last that was no progress
let number = null; // of the plan that is shown
let doubtful = '';
let decided = new Map(); // place in the plan -> label; '' is none of them
let chosenHow = 'copy';
let typed = null; // the target, once a person has written one

const answers = () => ({
  number: value.number,
  how: chosenHow,
  target: target.value,
  decided: [...decided],
});
const going = () =>
  (value?.plan?.going ?? 0) + [...decided.values()].filter((label) => label).length;

const button = (text, does, properties = {}) => {
  const made = make('button', { type: 'button', className: 'pill', ...properties }, text);
  made.addEventListener('click', does);
  return made;
};

const counted = () => {
  act.textContent = say(`sorting_do_${chosenHow}`, { number: going() });
  act.hidden = !value?.may;
  act.disabled = !going();
  find('.zip').disabled = !going();
  find('.of-target').hidden = !value?.may || chosenHow.startsWith('tag');
};

/** Take a class for a doubtful photograph, or `undefined` to leave it open. */
const decide = (card, place, label) => {
  if (label === undefined) decided.delete(place);
  else decided.set(place, label);
  mark(card, place);
  counted();
};
const mark = (card, place) => {
  const label = decided.get(place);
  card.classList.toggle('decided', label !== undefined);
  const others = card.querySelector('select');
  const offered = [...card.querySelectorAll('button')];
  for (const one of offered) one.ariaPressed = String(decided.has(place) ? one.label === label : one.open);
  const known = offered.some((one) => !one.open && one.label === label);
  others.value = label && !known ? label : '';
};

const makeDoubt = ({ place, name, picture, best, none: maybeNone }) => {
  const card = make('li', { className: 'doubt' });
  const take = (label, open = false) => {
    decide(card, place, open ? undefined : label);
    // On to the next that is open, so that one key a photograph is enough.
    if (!open) nextOpen(card)?.querySelector('button').focus();
  };
  const choices = best.map(([label, score], at) => {
    const made = button('', () => take(label));
    made.replaceChildren(make('span', {}, `${at + 1} · ${label}`), make('small', {}, percent(score)));
    made.label = label;
    return made;
  });
  const none = button(`0 · ${say('sorting_neither')}`, () => take(''));
  none.label = '';
  const open = button(say('sorting_leave'), () => take('', true), { className: 'pill open' });
  open.open = true;
  const others = make('select', { ariaLabel: say('sorting_other') });
  others.append(new Option(say('sorting_other'), ''));
  for (const label of value.plan.labels) {
    if (!best.some(([one]) => one === label)) others.append(new Option(label, label));
  }
  others.hidden = others.options.length < 2;
  others.addEventListener('change', () => decide(card, place, others.value || undefined));
  card.append(
    make('img', { src: served(picture), alt: name, loading: 'lazy' }),
    make('div', { className: 'choose' }, ...choices, others,
      make('div', { className: 'pair' }, none, open)),
    make('span', { className: 'name' }, ...breakable(name), maybeNone ? ` · ${say('sorting_maybe_none')}` : ''));
  card.role = 'group';
  card.ariaLabel = name;
  card.addEventListener('keydown', (event) => {
    const key = Number(event.key);
    if (event.target.tagName === 'SELECT' || event.key.trim() === '' || Number.isNaN(key)) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const made = key === 0 ? none : choices[key - 1];
    if (made) {
      event.preventDefault();
      made.click();
    }
  });
  mark(card, place);
  return card;
};
const nextOpen = (card) => {
  let next = card.nextElementSibling;
  while (next?.classList.contains('decided')) next = next.nextElementSibling;
  return next;
};

const showClasses = () => {
  const made = value.plan.classes.map(({ label, count, folder, strip = [] }) => {
    const name = label || say('sorting_none');
    return make('section', { className: label ? 'class' : 'class none' },
      make('h4', {}, make('span', {}, name), make('small', {}, count.toLocaleString()),
        // Signs that no disk stores are others in the folder's name.
        ...(folder === label ? [] : [make('small', {}, say('sorting_folder', { name: folder }))])),
      make('div', { className: 'strip' },
        ...strip.map((path) => make('img', { src: served(path), alt: '', loading: 'lazy' }))));
  });
  find('.classes').replaceChildren(...made);
};

const showDoubts = () => {
  const { plan } = value;
  find('.doubts').hidden = !plan.doubts;
  const rows = JSON.parse(plan.doubtful);
  find('.doubts h4').replaceChildren(
    make('span', {}, say('sorting_doubtful')), make('small', {}, plan.doubts.toLocaleString()));
  find('.doubts .hint').textContent = say('sorting_doubtful_hint');
  if (plan.doubtful !== doubtful) {
    doubtful = plan.doubtful;
    find('.doubts ul').replaceChildren(...rows.map(makeDoubt));
  }
  const more = find('.more');
  more.textContent = say('sorting_more');
  more.hidden = rows.length >= plan.doubts;
};

const showPlan = () => {
  const { plan } = value;
  if (value.number !== number) {
    number = value.number;
    decided = new Map();
    doubtful = '';
  }
  find('.plan').hidden = !plan;
  go.textContent = say(plan ? 'sorting_plan_again' : 'sorting_plan');
  go.classList.toggle('first', !plan);
  if (plan) {
    showClasses();
    showDoubts();
    find('.empty').hidden = !plan.empty;
    find('.empty').textContent = say('sorting_empty', { labels: plan.empty });
    find('.broken').hidden = !plan.broken;
    find('.broken').textContent = say('sorting_broken', { number: plan.broken });
  }
  counted();
};

const undoOf = (name, properties) =>
  button(say('sorting_undo'), () => trigger('ask', { name }), properties);

const showPast = () => {
  const { past } = value;
  find('.past').hidden = !past.length;
  find('.past summary').textContent = say('sorting_past', { number: past.length });
  const made = past.map((one) => {
    const told = say('sorting_past_one', { ...one, how: say(`sorting_past_${one.how}`) });
    return make('li', {}, make('span', {}, told),
      undoOf(one.name, { ariaLabel: `${say('sorting_undo')} ${one.when}` }));
  });
  find('.past ul').replaceChildren(...made);
};

const askUndo = ({ name, number: files, steps, rest }) => {
  const told = steps.map((one) => make('li', {}, say(`sorting_undo_${one.how}`, one)));
  if (files > steps.length) {
    told.push(make('li', {}, say('sorting_undo_more', { number: files - steps.length })));
  }
  const run = (on) => {
    undoing.close();
    busy();
    trigger('undo', { name, rest: on });
  };
  undoing.replaceChildren(
    make('h4', {}, say('sorting_undo_would', { number: files })),
    make('ul', {}, ...told),
    make('div', { className: 'doing' },
      button(say('sorting_undo_go'), () => run(false), { id: 'sorting-undo', className: 'pill first' }),
      ...(rest ? [button(say('sorting_undo_rest'), () => run(true))] : []),
      button(say('sorting_undo_not'), () => undoing.close())));
  undoing.ariaLabel = say('sorting_undo_would', { number: files });
  if (!undoing.open) undoing.showModal();
};

const busy = () => {
  for (const one of [go, act]) one.disabled = true;
};

let lost = null; // why a table was not uploaded
const showProgress = (progress) => {
  halt.hidden = !progress;
  halt.textContent = say('sorting_stop');
  find('.line').hidden = !progress;
  find('.now').textContent = progress ? both(progress.said) : lost ? say(lost.key, lost.values) : '';
  if (!progress) return;
  find('.line i').style.width = `${(100 * progress.done) / (progress.total || 1)}%`;
  busy();
};

const showOptions = () => {
  find('.about').textContent = say('sorting_labels');
  how.replaceChildren(...HOWS.map((one) => new Option(say(`sorting_${one}`), one)));
  how.value = chosenHow;
  find('.of-how span').textContent = say('sorting_how');
  find('.of-target span').textContent = say('sorting_target');
  const shares = element.querySelectorAll('.share span');
  shares[0].textContent = say('sorting_threshold');
  shares[1].textContent = say('sorting_margin');
  together.nextElementSibling.textContent = say('batch_together');
  find('.when').textContent = say('batch_together_when');
  if (typed === null) target.value = say('sorting_target_default');
  find('.back span').textContent = say('sorting_csv_back');
  back.ariaLabel = say('sorting_csv_back');
  find('.csv').textContent = say('sorting_csv');
  find('.zip').textContent = say('sorting_zip');
  find('.of-how').hidden = !value?.may;
  find('.why').hidden = !value?.why;
  find('.why').textContent = value?.why ? both(value.why) : '';
};

const show = () => {
  const now = props.value;
  if (!now) return showOptions();
  if (now.progress) return showProgress(now.progress);
  const fresh = now !== value;
  value = now;
  showProgress(null);
  go.disabled = false;
  halt.disabled = false;
  showOptions();
  showPlan();
  showPast();
  find('.said').replaceChildren(
    ...now.said.map((one, at) => make('p', {}, both(one), ...(now.undo && !at ? [' ', undoOf(now.undo)] : []))),
    ...now.notices.map((one) => make('p', { className: 'told' }, both(one))));
  // What was done stands above a plan that has gone, which may have been long.
  if (fresh && now.undo) find('.said').scrollIntoView({ block: 'center' });
  if (fresh && now.asked) askUndo(now.asked);
  if (fresh && now.file) {
    make('a', { href: served(now.file), download: now.file.split('/').at(-1) }).click();
  }
};

go.addEventListener('click', () => {
  busy();
  const [threshold, margin] = ['threshold', 'margin'].map((one) => find(`#sorting-${one}`).value);
  const wanted = find('.of-target').hidden ? null : target.value;
  trigger('plan', { threshold, margin, target: wanted, together: together.checked });
});
halt.addEventListener('click', () => {
  halt.disabled = true;
  trigger('halt');
});
act.addEventListener('click', () => {
  busy();
  trigger('act', answers());
});
for (const kind of ['csv', 'zip']) {
  find(`.${kind}`).addEventListener('click', () => trigger('take', { kind, ...answers() }));
}
find('.more').addEventListener('click', () => trigger('more'));
how.addEventListener('change', () => {
  chosenHow = how.value;
  counted();
});
target.addEventListener('input', () => { typed = target.value; });
back.addEventListener('change', async () => {
  const [file] = back.files;
  back.value = '';
  if (!file) return;
  const { name, path, problem } = await send(file);
  lost = problem ?? null;
  if (problem) showProgress(null);
  else trigger('table', { path, name });
});
watch('value', () => {
  lost = null;
  show();
});
window.addEventListener('clipapp:language', () => {
  doubtful = '';
  show();
});
show();
