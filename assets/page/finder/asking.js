// What is asked for: it is held here and in the address, and sent whole with each page of pictures.
// The address lacks what stands for files: pictures that are looked for or were liked.
const query = find('.query');
const address = window.clipApp.address;
const PAUSE = 400; // ms after the last key, as everywhere on this page

const fresh = () => ({
  query: '', exclude: '', literal: false, liked: [], pictures: [], picture_weight: 1,
  below: '', kinds: [], from: '', until: '', keywords: [], by_date: false, among: '',
});
let asked = fresh();
let asMap = address.get().view === 'map'; // rather than columns
const inAddress = () => ({
  q: asked.query, no: asked.exclude, sort: asked.by_date ? 'date' : '', folder: asked.below,
  type: asked.kinds.join(','), from: asked.from, until: asked.until,
  keyword: asked.keywords.join('\n'), gallery, among: asked.among, view: asMap ? 'map' : '',
  literal: asked.literal ? '1' : '',
});
let ignored = []; // what the address asked for and is not known
let areaLost = false; // whether an area was let go, as it is of another map
const dayIn = (given) => (/^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(Date.parse(given)) ? given : '');
const fromAddress = ({ q = '', no = '', literal, sort, folder = '', type = '', from, until, keyword = '', among = '' }) => {
  const isKind = (one) => props.kinds.includes(one) || one.startsWith('.');
  const kinds = type.split(',').filter(Boolean);
  ignored = [...kinds.filter((one) => !isKind(one)), ...[from, until].filter((one) => one && !dayIn(one))];
  return {
    query: q, exclude: no, literal: literal === '1', by_date: sort === 'date', below: folder, kinds: kinds.filter(isKind),
    from: dayIn(from), until: dayIn(until), keywords: keyword.split('\n').filter(Boolean), among,
  };
};
let known = false; // whether the server knows which gallery is looked at: no question before that
let turn = 0; // of the question
let waiting = false;
let asking = false; // for a further page
let asks = 0; // each its own number: an answer equal to the one before would go unnoticed
let problem = null;
let sent = false; // by Enter or the button: what is subtracted becomes chips
let before = null; // what was typed before that
let held = false; // whether the words in the field wait: uploads that came after them are shown first
let draft = false; // whether the address holds words that are not sent yet: further ones replace them
// Browsers may refuse storage.
function stored(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(`clip_app.${key}`);
    localStorage.setItem(`clip_app.${key}`, value);
  } catch { /* then nothing is kept */ }
  return null;
}
const here = () => document.body.dataset.tab === 'gallery';

let timer = 0;
const ask = (offset = 0) => {
  clearTimeout(timer);
  if (!offset) {
    turn += 1;
    waiting = true;
    problem = null;
    board.classList.add('stale');
    counted();
  }
  if (!known) return; // the visit asks
  asking = true;
  trigger('ask', { ...asked, offset, id: turn });
};
const later = () => {
  clearTimeout(timer);
  timer = setTimeout(() => { changed({ push: !draft && here() }); draft = true; }, PAUSE);
};
// What is typed is searched for; what was liked of an earlier query was liked for that one.
const changed = ({ push = false } = {}) => {
  clearTimeout(timer);
  const typed = held ? '' : query.value.trim();
  if (asked.query !== typed) {
    // What was subtracted in the text goes with it; what was typed under "Without" stays.
    const exclude = before?.exclude ?? asked.exclude;
    asked = { ...asked, query: typed, exclude, literal: false, liked: [] };
    before = null;
  }
  address.set(inAddress(), { push });
  drawTerms();
  ask();
};
// What is chosen is a step that Back undoes; so are words that are sent.
const step = () => { ignored = []; areaLost = false; changed({ push: !draft }); draft = false; };
const set = (values) => { asked = { ...asked, ...values }; step(); };

query.addEventListener('input', () => { held = false; if (!query.dataset.composing) later(); });
query.addEventListener('compositionstart', () => { query.dataset.composing = '1'; });
query.addEventListener('compositionend', () => { delete query.dataset.composing; later(); });
const submit = () => {
  sent = true;
  held = false;
  step();
  // On a phone the first pictures come into view.
  if (matchMedia('(max-width: 640px)').matches) { query.blur(); find('.search').scrollIntoView({ block: 'start' }); }
};
query.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.isComposing) { event.preventDefault(); submit(); }
});
find('.go').addEventListener('click', submit);
find('.weight input').addEventListener('change', ({ target }) => set({ picture_weight: Number(target.value) }));
find('.sort select').addEventListener('change', ({ target }) => set({ by_date: target.value === 'find_by_date' }));
