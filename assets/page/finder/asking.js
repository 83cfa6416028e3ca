// What is asked for: it is held here and in the address, and sent whole with each page of pictures.
const query = find('.query');
const address = window.clipApp.address;
const PAUSE = 400; // ms after the last key, as everywhere on this page

const fresh = () => ({
  query: '', exclude: '', literal: false, liked: [], pictures: [], picture_weight: 1,
  below: '', kinds: [], from: '', until: '', by_date: false,
});
let asked = fresh();
let turn = 0; // of the question
let waiting = false;
let asking = false; // for a further page
let asks = 0; // each its own number: an answer equal to the one before would go unnoticed
let problem = null;
let sent = false; // by Enter or the button: what is subtracted becomes chips
let before = null; // what was typed before that
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
  asking = true;
  trigger('ask', { ...asked, offset, id: turn });
};
const later = () => { clearTimeout(timer); timer = setTimeout(() => changed(), PAUSE); };
// What is typed is searched for; what was liked of an earlier query was liked for that one.
const changed = ({ push = false } = {}) => {
  clearTimeout(timer);
  if (asked.query !== query.value.trim()) {
    // What was subtracted in the text goes with it; what was typed under "Without" stays.
    const exclude = before?.exclude ?? asked.exclude;
    asked = { ...asked, query: query.value.trim(), exclude, literal: false, liked: [] };
    before = null;
  }
  address.set(
    { q: asked.query, no: asked.exclude, sort: asked.by_date ? 'date' : '', folder: asked.below, gallery },
    { push: push && (address.get().q ?? '') !== asked.query },
  );
  drawTerms();
  ask();
};
const set = (values) => { asked = { ...asked, ...values }; changed(); };

query.addEventListener('input', () => { if (!query.dataset.composing) later(); });
query.addEventListener('compositionstart', () => { query.dataset.composing = '1'; });
query.addEventListener('compositionend', () => { delete query.dataset.composing; later(); });
const submit = () => {
  sent = true;
  changed({ push: true });
  // On a phone the first pictures come into view.
  if (matchMedia('(max-width: 640px)').matches) { query.blur(); find('.search').scrollIntoView({ block: 'start' }); }
};
query.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.isComposing) { event.preventDefault(); submit(); }
});
find('.go').addEventListener('click', submit);
find('.weight input').addEventListener('change', ({ target }) => set({ picture_weight: Number(target.value) }));
find('.sort select').addEventListener('change', ({ target }) => set({ by_date: target.value === 'find_by_date' }));
