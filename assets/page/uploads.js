// What the batch and the matrix share: photographs laid on a part.
// A few at once: each is a request of its own, so that a large one does not hold up the others.
const SENT_AT_ONCE = 3;
const REFUSED = 3; // of the files that were not sent, before they are only counted

/** What is dropped as {`file`, `name`}, or {`name`, `problem`} as of `send`: files, and of folders all
 *  files below that `accept` lets one choose, each called by its path from there. */
const dropped = async (data, accept) => {
  const endings = accept.split(',');
  const fits = ({ name, type }) =>
    type.startsWith('image/') || endings.some((ending) => name.toLowerCase().endsWith(ending));
  const unread = (name) => [{ name, problem: { key: 'sent_unreadable', values: { name } } }];
  const below = async (folder, name) => {
    const entries = [];
    const reader = folder.createReader(); // tells some hundred at a time
    for (let some = null; some?.length !== 0; entries.push(...some)) {
      some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    }
    entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    const seen = entries.filter((entry) => !entry.name.startsWith('.')); // `._cat.jpg` of a Mac is no photograph
    const found = seen.map(async (entry) => {
      const path = `${name}/${entry.name}`;
      try {
        if (entry.isDirectory) return await below(entry, path);
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        return fits(file) ? [{ file, name: path }] : [];
      } catch {
        return unread(path);
      }
    });
    return (await Promise.all(found)).flat();
  };
  // All asked for at once: the browser forgets them when the event is over.
  const given = [...data.items].filter(({ kind }) => kind === 'file')
    .map((item) => [item.webkitGetAsEntry(), item.getAsFile()]);
  const found = given.map(async ([entry, file]) => {
    if (!entry?.isDirectory) return [{ file, name: file.name }];
    const { name } = entry;
    const files = await below(entry, name).catch(() => unread(name));
    return files.length ? files : [{ name, problem: { key: 'sent_nothing', values: { name } } }];
  });
  return (await Promise.all(found)).flat();
};

/** A place to drop photographs, and a strip of the first that lie there; returns what shows these, and
 *  what removes all. They may be dropped anywhere in `zone`. */
const uploads = (box, asked = () => ({}), besides = '', zone = element) => {
  // What is sent, or was last: how far that is, and what of it was not sent, and why.
  const newLot = () => ({ done: 0, total: 0, refused: [], ending: new AbortController(), dropped: false });
  const isStopped = ({ ending }) => ending.signal.aborted;
  const isOver = (one) => isStopped(one) || one.done === one.total;
  let lot = newLot();
  const input = make('input', { type: 'file', multiple: true });
  input.accept = `image/*,.heic,.heif,.avif${besides}`;
  const drop = make('label', { className: 'up-drop' }, input, make('span'));
  const fold = make('div', { className: 'up-fold' });
  const said = make('p', { className: 'up-said' });
  said.setAttribute('role', 'status');
  const halt = make('button', { type: 'button', className: 'up-plain up-halt' });
  halt.addEventListener('click', () => {
    lot.ending.abort(); // what has arrived is kept
    told();
    input.focus(); // the button goes
  });
  box.replaceChildren(drop, fold, make('div', { className: 'up-line' }, said, halt));

  /** Remove all, also what is still on its way. */
  const clear = () => {
    lot.ending.abort();
    lot.dropped = true;
    lot = newLot();
    told();
    trigger('photos', { clear: true, ...asked() });
  };

  let earlier = Promise.resolve(); // what is dropped meanwhile is sent after it
  const take = (given) => {
    if (isOver(lot)) lot = newLot();
    const mine = lot;
    const files = given.filter(({ file }) => file);
    mine.total += files.length;
    mine.refused.push(...given.filter(({ problem }) => problem));
    told();
    earlier = earlier.then(() => sendAll(files, mine));
  };
  const sendAll = async (files, mine) => {
    const sent = [];
    let next = 0;
    const work = async () => {
      while (next < files.length && !isStopped(mine)) {
        const number = next++;
        const { file, name } = files[number];
        const one = await send(file, name, mine.ending.signal);
        if (!one.problem) sent[number] = one;
        else if (isStopped(mine)) return;
        else mine.refused.push(one);
        mine.done += 1;
        told();
      }
    };
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, work));
    const arrived = sent.filter(Boolean).map(({ path, name }) => ({ path, name }));
    if (arrived.length && !mine.dropped) trigger('photos', { files: arrived, ...asked() });
  };
  const told = () => {
    const { done, total, refused } = lot;
    const over = isOver(lot);
    halt.hidden = over;
    halt.textContent = say('photos_stop');
    const why = refused.slice(0, REFUSED).map(({ problem }) => say(problem.key, problem.values));
    const more = refused.length - why.length;
    if (more) why.push(say('sent_more', { count: more }));
    if (isStopped(lot)) why.unshift(say('photos_stopped', { done, total }));
    said.textContent = over ? why.join(language() === 'zh' ? '' : ' ') : say('photos_sending', { done: done + 1, total });
    said.classList.toggle('up-wrong', over && refused.length > 0);
  };
  input.addEventListener('change', () => {
    const chosen = [...input.files].map((file) => ({ file, name: file.name }));
    input.value = '';
    if (chosen.length) take(chosen);
  });
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    zone.addEventListener(kind, (event) => {
      if (!dragsFiles(event)) return;
      event.preventDefault();
      drop.classList.toggle('up-over', kind === 'dragover');
      if (kind === 'drop') dropped(event.dataTransfer, input.accept).then((files) => files.length && take(files));
    });
  }

  const tile = ([name, path, key]) => {
    const picture = path
      ? make('img', { src: served(path), alt: '', loading: 'lazy' })
      : make('span', { className: 'up-unread' }, '?');
    const remove = make('button', {
      type: 'button',
      title: name,
      ariaLabel: say('photos_remove', { name }),
    });
    remove.append(picture, make('span', { className: 'up-x', ariaHidden: 'true' }, '×'));
    remove.addEventListener('click', ({ detail: clicks }) => {
      if (clicks <= 1) trigger('photos', { remove: key, ...asked() }); // the second of a double click is on the next one
    });
    return make('li', {}, remove);
  };
  let newest = 0; // answers may overtake each other
  const show = (photos) => {
    if (photos.since < newest) return told();
    newest = photos.since ?? newest;
    const held = [...fold.querySelectorAll('button')].indexOf(document.activeElement);
    const size = megabytes(photos.bytes);
    drop.lastChild.textContent = say(photos.count ? 'photos_more' : 'photos_drop');
    drop.classList.toggle('up-small', photos.count > 0);
    fold.hidden = !photos.count;
    const more = photos.count - photos.strip.length;
    const remover = make('button', { type: 'button', className: 'up-plain' }, say('photos_clear'));
    remover.addEventListener('click', clear);
    fold.replaceChildren(
      make('b', {}, say('photos_count', { count: photos.count, size })),
      make('ul', { className: 'up-strip' }, ...photos.strip.map(tile)),
      ...(more > 0 ? [make('span', { className: 'up-more' }, `+${more}`)] : []),
      remover,
    );
    // The keyboard goes on where it was, with what has come into that place.
    if (held >= 0) (fold.hidden ? input : [...fold.querySelectorAll('button')].slice(0, held + 1).at(-1)).focus();
    told();
  };
  return { show, clear };
};
