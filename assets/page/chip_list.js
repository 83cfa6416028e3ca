// The chips as they are seen, each to be edited or removed, and the sets beside them.
const flash = (index) => {
  const chip = list.children[index]?.firstChild;
  chip?.classList.add('again');
  setTimeout(() => chip?.classList.remove('again'), 700);
};
const roved = (target) => {
  for (const one of list.querySelectorAll('.edit')) one.tabIndex = one === target ? 0 : -1;
  target?.focus();
};
const remove = (index, focused) => {
  labels.splice(index, 1);
  touched(0);
  const chips = list.querySelectorAll('.edit');
  if (focused && chips.length) roved(chips[Math.min(index, chips.length - 1)]);
  else entry.focus();
};
let editing = null; // ends the editing of a chip and keeps what is typed
// Chips and sets are drawn anew where an edit ends, so none may end between a press and its click:
// the box keeps the focus, and is done with before what is clicked acts.
element.addEventListener('mousedown', (event) => {
  if (editing && event.target.closest('button')) event.preventDefault();
});
const onClick = (button, act) => {
  button.addEventListener('click', async () => {
    await editing?.();
    act();
  });
  return button;
};
const edit = (label) => {
  const index = labels.indexOf(label);
  if (index < 0) return; // the edit before this one has made it one with another
  const begun = version;
  const ariaLabel = say('chip_edit', { label });
  const box = make('input', { className: 'inline', value: label, ariaLabel });
  const end = async (keep) => {
    if (editing !== done) return;
    editing = null;
    if (!keep || box.value.trim() === label) return draw(true);
    const found = await split(box.value).catch(() => [label]);
    if (version !== begun) return; // replaced or undone meanwhile
    labels.splice(index, 1, ...found);
    const all = labels;
    labels = [];
    added(all);
    touched(0);
  };
  const done = () => end(true);
  box.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      end(true);
      entry.focus();
    } else if (event.key === 'Escape') {
      end(false);
      entry.focus();
    }
    event.stopPropagation();
  });
  box.addEventListener('blur', done);
  editing = done;
  list.children[index].replaceChildren(box);
  box.focus();
  box.select();
};
const shell = (text, removing) => {
  const ariaLabel = say('chip_remove', { label: text.textContent });
  const cross = make('button', { type: 'button', className: 'remove', tabIndex: -1, ariaLabel }, '×');
  onClick(cross, removing);
  return make('li', { className: 'one' }, make('span', { className: 'chip' }, text, cross));
};
// What was taught by example, of a label with an @ before it.
const taught = (label) =>
  /^[@＠]/.test(label)
    ? window.clipApp.taught?.find(({ name }) => folded(name) === folded(label.replace(/^[@＠\s]+/, '')))
    : undefined;
const chip = (label, index) => {
  const title = say('chip_edit', { label });
  const tabIndex = index ? -1 : 0;
  const looks = { type: 'button', className: 'edit', tabIndex, title };
  const text = onClick(make('button', looks, make('span', {}, label)), () => edit(label));
  const [picture] = taught(label)?.pictures ?? [];
  if (picture) {
    text.classList.add('taught');
    text.prepend(make('img', { src: picture, alt: '' }));
  }
  text.style.setProperty('--colour', colour(index));
  text.addEventListener('keydown', (event) => moved(event, index));
  return shell(text, () => labels.includes(label) && remove(labels.indexOf(label), false));
};
const moved = (event, index) => {
  const chips = list.querySelectorAll('.edit');
  const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: chips.length }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    if (to >= chips.length) entry.focus();
    else roved(chips[Math.max(to, 0)]);
  } else if (['Backspace', 'Delete'].includes(event.key)) {
    event.preventDefault();
    remove(index, true);
  }
};
const cleared = () => {
  const before = { labels, flights, raw, typed: entry.value, source };
  const number = labels.length.toLocaleString('en');
  labels = [];
  touched(0);
  undo = before;
  said = ['chips_cleared', { number }, 'undo', restore];
  draw();
  entry.focus();
};
const summary = () => {
  const set = chosen();
  const values = { name: set?.names[language()], number: labels.length.toLocaleString('en') };
  const all = say(set ? 'chips_set' : 'chips_many', values);
  const text = make('button', { type: 'button', className: 'edit all' }, all);
  text.addEventListener('click', () => unfold(true));
  const item = shell(text, cleared);
  item.querySelector('.remove').tabIndex = 0; // no arrow leads there
  return item;
};

let drawn = '';
const draw = (again = false) => {
  const state = JSON.stringify([labels, language(), source, poor, said?.slice(0, 3)]);
  if (state === drawn && !again) return;
  drawn = state;
  list.replaceChildren(...(labels.length > FOLD ? [summary()] : labels.map(chip)));
  entry.placeholder = say(labels.length ? 'chips_more' : 'chips_first');
  entry.setAttribute('aria-label', say('labels'));
  area.setAttribute('aria-label', say('labels'));
  field.setAttribute('aria-label', say('labels'));
  find('.try').textContent = say('label_sets');
  find('.sets').setAttribute('aria-label', say('label_sets_named'));
  asText.textContent = say(plain.classList.contains('folded') ? 'chips_as_text' : 'chips_as_chips');
  drawSets();
  const line = find('.said');
  const button = line.querySelector('button');
  line.classList.toggle('on', Boolean(said));
  line.querySelector('span').textContent = said ? say(said[0], said[1]) : '';
  button.hidden = !said;
  button.textContent = said ? say(said[2]) : '';
};
const unfold = (open) => {
  plain.classList.toggle('folded', !open);
  plain.toggleAttribute('aria-hidden', !open);
  if (!open) plain.setAttribute('aria-hidden', 'true');
  field.hidden = open;
  area.tabIndex = open ? 0 : -1;
  asText.setAttribute('aria-expanded', String(open));
  draw(true);
  if (raw === null) area.value = open && !labels.some(odd) ? labels.join('\n') : props.value;
  if (open) {
    area.focus();
  } else {
    entry.focus();
  }
};
const drawSets = () => {
  const set = chosen();
  const pills = props.sets.map((one) => {
    const looks = { type: 'button', className: 'pill', ariaPressed: String(one === set) };
    const pill = make('button', looks, one.names[language()]);
    const number = one.labels.en.length;
    if (number > FOLD) pill.append(make('small', {}, number.toLocaleString('en')));
    pill.dataset.key = one.key;
    if (poor.includes(one.key)) {
      pill.classList.add('poor');
      pill.title = say('set_poor');
    }
    return onClick(pill, () => {
      if (one === set) return;
      replaced(one.labels[language()], { kind: 'set', key: one.key }, { sentence: 'replaced' });
      find(`[data-key="${one.key}"]`).focus();
    });
  });
  if (last.length && !same(last, labels)) {
    const title = last.slice(0, 20).join(' · ');
    const pill = make('button', { type: 'button', className: 'pill', title }, say('set_last'));
    pills.unshift(onClick(pill, () => replaced(last, null, { sentence: 'replaced' })));
  }
  find('.pills').replaceChildren(...pills);
  find('.legend').textContent = poor.length ? say('sets_poor') : '';
  find('.poor-said').textContent = set && poor.includes(set.key) ? say('set_poor') : '';
};

