// 1 is for files of the same bytes alone.
const NEARS = [0.9, 0.93, 0.95, 0.97, 0.99, 1];
const near = find('#copies-near');
const go = find('#copies-go');
const halt = find('#copies-stop');

let value = null; // the last that was no progress
let chosen = String(props.near);

// Of a group the sizes are shown, and which is the largest of several; of a strip neither.
const makePhoto = (photo, first, several, sized) => {
  const facts = [photo.pixels, megabytes(photo.size)].filter(Boolean).join(' · ');
  const frame = make('div', { className: 'frame' },
    make('img', { src: served(photo.picture), alt: photo.name, loading: 'lazy' }));
  if (first && several) frame.append(make('b', {}, say('copies_largest')));
  const made = make('li', { title: both(photo.path) }, frame,
    make('span', { className: 'name' }, ...breakable(photo.name)));
  if (sized) made.append(make('small', { className: 'facts' }, facts));
  if (!first) made.append(make('small', {}, say('copies_likeness', { similarity: photo.similarity.toFixed(3) })));
  if (photo.copies) {
    const names = photo.same.map(both).join(', ') + (photo.copies > photo.same.length ? ' …' : '');
    made.append(make('small', { className: 'same' }, ...breakable(say('copies_same', { number: photo.copies, names }))));
  }
  return made;
};

const makeGroup = ({ photos, more }) => {
  const made = make('li', {},
    make('ul', { className: 'photos' }, ...photos.map((one, at) => makePhoto(one, at === 0, photos.length > 1, true))));
  if (more) made.append(make('p', { className: 'hint' }, `+${more}`));
  return made;
};

const makeStrip = (key, photos) =>
  make('section', {},
    make('h4', {}, say(key)),
    make('ul', { className: 'photos' }, ...photos.map((one) => makePhoto(one, false, false, false))));

const showFound = () => {
  const found = value?.found;
  find('.found').hidden = !found;
  if (!found) return;
  const counts = {
    groups: found.groups.toLocaleString(), images: found.images.toLocaleString(), size: megabytes(found.spare),
  };
  find('.sum').textContent = say(found.groups ? 'copies_found' : 'copies_none', counts);
  find('#copies-csv').hidden = !found.groups;
  find('.groups').replaceChildren(...found.shown.map(makeGroup));
  find('#copies-more').hidden = found.shown.length >= found.groups;
  const strips = [['odd_least', found.odd], ['odd_typical', found.typical]];
  find('.strips').replaceChildren(
    ...strips.filter(([, photos]) => photos.length).map(([key, photos]) => makeStrip(key, photos)));
};

const showProgress = (progress) => {
  halt.hidden = !progress;
  go.disabled = Boolean(progress);
  find('.line').hidden = !progress;
  find('.now').textContent = progress ? both(progress.said) : '';
  if (progress) find('.line i').style.width = `${(100 * progress.done) / (progress.total || 1)}%`;
};

const showWords = () => {
  find('.about').textContent = say('copies_about');
  find('.doing label span').textContent = say('copies_near');
  near.replaceChildren(...NEARS.map((one) =>
    new Option(one === 1 ? say('copies_identical') : one.toFixed(2), String(one))));
  near.value = chosen;
  go.textContent = say('copies_go');
  halt.textContent = say('copies_stop');
  find('#copies-csv').textContent = say('copies_csv');
  find('#copies-more').textContent = say('copies_more');
};

const show = () => {
  const now = props.value;
  showWords();
  if (now?.progress) return showProgress(now.progress);
  const fresh = now !== value;
  value = now;
  showProgress(null);
  halt.disabled = false;
  const told = find('.told');
  told.hidden = !now?.notice;
  told.textContent = now?.notice ? both(now.notice) : '';
  showFound();
  if (fresh && now?.file) {
    make('a', { href: served(now.file), download: now.file.split('/').at(-1) }).click();
  }
};

near.addEventListener('change', () => { chosen = near.value; });
go.addEventListener('click', () => {
  go.disabled = true;
  trigger('look', { near: chosen });
});
halt.addEventListener('click', () => {
  halt.disabled = true;
  trigger('halt');
});
find('#copies-csv').addEventListener('click', () => trigger('csv'));
find('#copies-more').addEventListener('click', () => trigger('more'));
watch('value', show);
window.addEventListener('clipapp:language', show);
show();
