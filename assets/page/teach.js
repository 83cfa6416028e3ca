// Teaching with one's own photographs. Names are data: they reach the page by textContent only.
const form = find('.form');
const name = find('.name');
const weight = find('.weight input');
const state = find('.state');
let said = () => ''; // what stands there, in the page's language
const { show: showOf } = uploads(find('.of .up'), () => ({ which: 'examples' }), '', find('.of'));
const { show: showNot } = uploads(find('.not .up'), () => ({ which: 'without' }), '', find('.not'));
const none = { count: 0, bytes: 0, strip: [] };
let seen = props.value?.number ?? 0;
let renaming = null; // the name of the concept whose new name is being written
let asked = ''; // the name that is being learnt
let named = ''; // the name that came with photographs of another part
let leaving = null; // ... and of the one that is about to be forgotten

const taught = () => window.clipApp.taught ?? [];
const key = (text) => text.normalize('NFKC').toLowerCase().replace(/^[@\s]+/, '').replace(/\s+/g, ' ').trim();
const tellChips = (detail) => window.dispatchEvent(new CustomEvent('clipapp:label', { detail }));

const act = (text, does, className = '') => {
  const button = make('button', { type: 'button', className }, text);
  button.addEventListener('click', does);
  return button;
};
const renamer = (one) => {
  const box = make('input', { type: 'text', className: 'rename', value: one.name, maxLength: 120 });
  box.setAttribute('aria-label', say('teach_new_name', { name: one.name }));
  const end = (keep) => {
    if (renaming !== one.name) return;
    renaming = null;
    const to = box.value.trim();
    if (keep && to && to !== one.name) trigger('rename', { name: one.name, to });
    list();
  };
  box.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      end(true);
    } else if (event.key === 'Escape') end(false);
  });
  box.addEventListener('blur', () => end(true));
  return box;
};
const item = (one) => {
  const title = renaming === one.name ? renamer(one) : make('b', {}, `@${one.name}`);
  const count = say(one.examples === 1 ? 'teach_count_one' : 'teach_count', { number: one.examples });
  const away = one.away ? say('teach_count_away', { number: one.away }) : '';
  const pictures = one.pictures.map((src) => make('img', { src, alt: '', loading: 'lazy' }));
  const sure = leaving === one.name;
  const acts = make('div', { className: 'acts' },
    act(say('teach_use'), () => tellChips({ add: `@${one.name}` })),
    act(say('teach_rename'), () => {
      renaming = one.name;
      list();
      find('.rename').select();
    }),
    act(say('teach_export'), () => trigger('export', { name: one.name })),
    act(say(sure ? 'teach_forget_sure' : 'teach_forget'), () => {
      leaving = sure ? null : one.name;
      if (sure) trigger('forget', { name: one.name });
      else {
        list();
        find('.sure').focus();
      }
    }, sure ? 'sure' : 'forget'),
  );
  acts.setAttribute('role', 'group');
  acts.setAttribute('aria-label', `@${one.name}`);
  return make('li', {},
    make('div', { className: 'head' }, title, make('span', { className: 'quiet' }, [count, away].filter(Boolean).join(' · '))),
    ...(pictures.length ? [make('div', { className: 'strip' }, ...pictures)] : []),
    acts);
};
const list = () => {
  find('.list').replaceChildren(...taught().map(item));
  find('.nothing').hidden = taught().length > 0;
  find('.all').hidden = !taught().length;
  go();
};
const go = () => {
  const old = taught().find((one) => key(one.name) === key(name.value));
  find('.add').hidden = !old;
  find('.add').textContent = say('teach_add');
  find('.go').textContent = old ? say('teach_replace', { name: old.name }) : say('teach_go');
};
const gain = (found) => {
  const asked = find('.gain .asked');
  const bars = find('.gain ul');
  asked.textContent = found
    ? say('teach_gain', { names: found.names.join(language() === 'zh' ? '、' : ', ') })
    : say('teach_gain_none');
  bars.replaceChildren(...(found ? ['before', 'after'] : []).map((which) => {
    const bar = make('i');
    bar.style.width = `${(100 * found[which]) / found.photos}%`;
    return make('li', { className: which }, make('span', {}, say(`teach_gain_${which}`)),
      make('span', { className: 'track' }, bar),
      make('b', {}, say('teach_gain_right', { right: found[which], photos: found.photos })));
  }));
};
const tell = (what) => {
  said = what;
  state.textContent = said();
};
const done = ({ learnt, moved, add, put, remove, file }) => {
  tell(() => '');
  for (const one of form.querySelectorAll('[type=submit]')) one.disabled = false;
  if (learnt) {
    if (name.value === asked) name.value = ''; // else the next one is being written
    go();
    tell(() => say('teach_learnt', { name: learnt }));
  } else if (moved) {
    tell(() => say('teach_moved', { names: moved.join(language() === 'zh' ? '、' : ', ') }));
  }
  if (add || remove) tellChips({ add, put, remove });
  if (file) {
    const link = make('a', { href: served(file), download: file.split('/').pop() });
    link.click();
  }
};
const write = () => {
  const { examples = none, without = none, named: given = '', error, told = {}, number, gain: found } = props.value ?? {};
  if (given !== named) {
    named = given;
    if (given) name.value = given;
  }
  find('.intro').textContent = say('teach_intro');
  find('.named span').textContent = say('teach_name');
  name.placeholder = say('teach_name_example');
  find('.of b').textContent = say('teach_examples');
  find('.not b').textContent = say('teach_without');
  find('.more summary').textContent = say('teach_more');
  find('.more .quiet').textContent = say('teach_alpha_what');
  find('.known h4').textContent = say('teach_known');
  find('.nothing').textContent = say('teach_none');
  find('.all').textContent = say('teach_export_all');
  find('.import span').textContent = say('teach_import');
  find('.visit').textContent = props.visit ? say('teach_visit') : '';
  find('.advice').textContent = say('teach_advice');
  find('.gain').setAttribute('aria-label', say('teach_gain_after'));
  weighed();
  showOf(examples);
  showNot(without);
  list();
  gain(found);
  const problem = find('.told.error');
  problem.hidden = !error;
  problem.textContent = error ? both(error) : '';
  state.textContent = said();
  if (number !== seen) {
    seen = number;
    done(told);
  }
};
const weighed = () => {
  find('.weight span').textContent = say('teach_alpha', { alpha: Number(weight.value).toFixed(2) });
};

weight.value = props.alpha;
weight.addEventListener('input', weighed);
name.addEventListener('input', go);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  tell(() => say('teach_looking'));
  asked = name.value;
  for (const one of form.querySelectorAll('[type=submit]')) one.disabled = true;
  trigger('teach', { name: name.value, alpha: Number(weight.value),
    add: event.submitter?.classList.contains('add') ?? false });
});
find('.all').addEventListener('click', () => trigger('export', {}));
find('.import input').addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  target.value = '';
  if (!file) return;
  const { path, problem } = await send(file);
  if (problem) tell(() => say(problem.key, problem.values));
  else trigger('take', { path });
});
watch('value', write);
window.addEventListener('clipapp:taught', list);
window.addEventListener('clipapp:language', write);
write();
trigger('opened');
