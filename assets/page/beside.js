const PAUSE = 400; // ms after the last key
const modes = ['templates', 'languages', ...(props.models ? ['models'] : [])];
const [left, right] = element.querySelectorAll('.by-templates select');
const other = find('textarea');
const result = find('.result');
const models = find('.by-models div');
let mode = 'templates';
let asked = 0; // the number of the last question
let pending = false;
let again = false; // whether something else is to be asked once the present question has ended
let fresh = false; // whether what is shown answers what stands above
let own = null; // the words above for which a visitor wrote the other language's
let wordsAbove = ''; // those that the last answer was asked with
let drawn = null;
let pause = 0;

// ---- when to ask: whenever the card above has been answered

const above = cardAbove(props.card, () => another());
const chosen = () => models.querySelector('input:checked')?.value ?? '';
const needsLoading = () => mode === 'models' && (!chosen() || chosen() !== props.value.held);

const dim = () => {
  result.classList.toggle('stale', !fresh);
  result.setAttribute('aria-busy', pending);
  find('.waits').hidden = above.answered() || !result.hidden;
  find('.load').hidden = !models.querySelector('input') || !needsLoading();
  find('.load').disabled = !chosen() || pending || !above.answered();
};

const ask = () => {
  asked += 1;
  pending = true;
  dim();
  trigger('compare', {
    number: asked,
    mode,
    templates: [left.value, right.value],
    other: other.value,
    of: own,
    model: chosen(),
  });
};

const halt = () => trigger('stop', { number: asked });

const follow = () => {
  dim();
  if (!fresh && !pending && above.answered() && !needsLoading() && element.checkVisibility()) ask();
};
const another = () => {
  fresh = false;
  if (pending) {
    again = true;
    halt();
  }
  follow();
};
const soon = () => {
  clearTimeout(pause);
  pause = setTimeout(another, PAUSE);
};

// ---- what was answered

const signed = (gap) => `${gap < 0 ? '−' : '+'}${Math.abs(100 * gap).toFixed(1)}`;

// What is otherwise on the right; nothing where both sides agree.
const change = ({ ranks: [one, two], gap }, gaps) => {
  const moved = one - two;
  const rank = moved ? `${moved > 0 ? '▲' : '▼'}${Math.abs(moved)}` : '';
  const points = gaps && Math.abs(gap) >= 0.001 ? signed(gap) : '';
  if (!rank && !points) return [];
  const said = [
    ...(rank ? [say('beside_rank', { one, other: two })] : []),
    ...(points ? [say('beside_points', { gap: points })] : []),
  ].join(', ');
  return [make('span', { className: 'change', title: said },
    make('b', { ariaHidden: 'true' }, rank), make('span', { ariaHidden: 'true' }, points),
    make('span', { className: 'sr' }, said))];
};

const row = (bar, mark, second, gaps) => {
  const fill = make('i');
  fill.style.width = `${100 * bar.width}%`;
  fill.style.background = colour(mark.place);
  const moved = mark.ranks[0] !== mark.ranks[1];
  return make('li', { className: moved ? 'moved' : '' },
    make('span', { className: 'label', title: bar.label }, bar.label),
    make('span', { className: 'track' }, fill),
    make('b', { className: 'score' }, bar.shown),
    make('small', {}, decimal(bar.similarity)),
    ...(second ? change(mark, gaps) : []));
};

const side = (told, second, gaps) => {
  const bars = JSON.parse(told.bars);
  const none = told.chance
    ? [make('p', { className: 'chance' }, say('beside_chance'), ' ', make('b', {}, told.chance.shown))] : [];
  const made = make('section', { className: 'one', ariaLabel: told.title },
    make('p', { className: 'title' }, told.title),
    make('div', { className: 'verdict' }, make('h4', {}, told.headline),
      make('span', { className: told.is ? 'sure' : 'unsure' }, told.sure)),
    ...[told.sentence, ...told.notices].filter(Boolean).map((one) => make('p', { className: 'note' }, one)),
    make('ul', { className: 'bars', role: 'list' },
      ...bars.map((bar, number) => row(bar, told.marks[number], second, gaps))),
    ...none);
  made.dataset.state = told.state;
  return made;
};

const draw = (answer) => {
  drawn = answer;
  result.hidden = !answer;
  if (!answer) return;
  find('.differs').textContent = answer.differs.join(window.clipApp.lang() === 'zh' ? '' : ' ');
  find('.pair').replaceChildren(...answer.sides.map((one, number) => side(one, number === 1, answer.gaps)));
  find('.more').textContent = answer.more ? say('beside_more', { number: answer.more }) : '';
  if (!answer.other) return;
  wordsAbove = answer.of;
  if (own !== wordsAbove) {
    own = null;
    other.value = answer.other.join('\n');
  }
  find('.by-languages .note').textContent = answer.unknown.length
    ? say('beside_unknown', { labels: answer.unknown.join(' / ') }) : '';
};

// ---- what can be chosen

const showModels = () => {
  const before = chosen();
  const { models: all, held } = props.value;
  models.replaceChildren(...(all.length ? all.map((one) => {
    const fits = one.fits || one.name === held;
    const box = make('input', { type: 'radio', name: 'beside-model', value: one.name, disabled: !fits });
    box.checked = fits && one.name === (before || held);
    return make('label', {}, box, say('check_model_needs', one));
  }) : [make('p', { className: 'note' }, say('beside_none'))]));
};

const showChoices = () => {
  find('.intro').textContent = say('beside_intro');
  find('.modes').setAttribute('aria-label', say('beside_how'));
  for (const button of element.querySelectorAll('.modes button')) {
    button.textContent = say(`beside_${button.value}`);
    button.ariaPressed = String(button.value === mode);
  }
  for (const one of modes) find(`.by-${one}`).hidden = one !== mode;
  [['beside_first', left, 'none'], ['beside_second', right, 'auto']].forEach(([key, select, first]) => {
    const before = select.value || first;
    select.parentElement.querySelector('span').textContent = say(key);
    select.replaceChildren(...props.templates.map((one) => new Option(say(`templates_${one}`), one)));
    select.value = before;
  });
  find('.by-languages .field span').textContent = say('beside_other');
  find('.by-models legend').textContent = say('beside_with');
  find('.load').textContent = say('beside_load');
  find('.waits').textContent = say('beside_waits');
  find('.halt').textContent = say('check_stop');
};

const show = () => {
  const { number, progress, answer, error } = props.value;
  showModels();
  find('.doing').hidden = find('.line').hidden = !progress;
  if (progress) {
    find('.state').textContent = both(progress.said);
    find('.line i').style.width = `${(100 * progress.done) / progress.total}%`;
  } else if (number && number === asked) {
    pending = false;
    if (again) {
      again = false;
      return follow();
    }
    fresh = Boolean(answer || error);
    find('.error').hidden = !error;
    find('.error').textContent = error ? both(error) : '';
    if (answer || !error) draw(answer);
    else fresh = false;
    return dim();
  }
  above.observe();
  if (!number) follow();
  dim();
};

find('.modes').append(...modes.map((one) => make('button', { type: 'button', className: 'pill', value: one })));
find('.by-models').hidden = true;
find('.modes').addEventListener('click', ({ target }) => {
  if (!target.value || target.value === mode) return;
  mode = target.value;
  find('.error').hidden = true;
  draw(null);
  showChoices();
  another();
});
for (const select of [left, right]) select.addEventListener('change', another);
other.addEventListener('input', () => {
  own = wordsAbove;
  soon();
});
models.addEventListener('change', () => {
  find('.error').hidden = true;
  another();
});
find('.load').addEventListener('click', ask);
find('.halt').addEventListener('click', halt);
window.addEventListener('clipapp:language', () => {
  showChoices();
  show();
  if (drawn) another();
});
watch('value', show);
showChoices();
show();
