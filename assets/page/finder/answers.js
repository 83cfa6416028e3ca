// The answers, which come as events of the carriers (`clipapp:found`) with the number of the
// question, and the gallery they are of.
let answer = null; // the first page of what is shown
let rows = [];
let following = null;
let galleries = [];
let gallery = address.get().gallery ?? ''; // the key of the chosen one; '' for the first
// Uploads come before all others once there are any, and what an address means must not change by that.
const first = () => galleries.find((one) => one.key !== 'mine') ?? galleries[0];
const keyOf = (one) => (one && one !== first() ? one.key : '');
let opened = false; // whether that of the address has been looked for

// An area that the server does not know may be of a map that is still to be drawn: only where one is
// there already, or none is wanted, is it let go at once.
const seekArea = () => {
  chart.stale = true;
  chart.seeking = asMap && !chart.made;
  if (chart.seeking) askMap(); else letAreaGo();
};
const letAreaGo = () => {
  asked = { ...asked, among: '' };
  areaLost = true;
  address.set(inAddress());
  drawTerms();
  ask();
};
const fail = (why) => { problem = why; waiting = false; board.classList.remove('stale'); draw(); };
window.addEventListener('clipapp:found', ({ detail: found }) => {
  if (!found || found.id !== turn) return;
  if (found.galleries) {
    galleries = found.galleries;
    const wanted = !opened && galleries.find((one) => one.key === gallery);
    if (!opened && gallery && !wanted) ignored = [gallery, ...ignored];
    opened = true;
    const now = galleries.find((one) => one.folder === found.chosen);
    if (wanted && wanted !== now) {
      trigger('choose', { folder: wanted.folder });
      return;
    }
    gallery = keyOf(now);
    if (here()) address.set({ gallery });
  }
  asking = false;
  if (found.problem && added.length) {
    // A picture that cannot be read is not looked for; what was found before stays.
    asked = { ...asked, pictures: asked.pictures.filter((one) => !added.includes(one)) };
    added = [];
    return fail({ said: found.problem });
  }
  added = [];
  if (found.old_map && asked.among) { seekArea(); return; }
  if (found.problem) {
    rows = found.offset ? rows : [];
    following = null;
    answer = found.offset ? answer : null;
    layOut();
    // The panel may still tell of what was there: an index forgotten, a folder gone.
    trigger('lost');
    if (found.unread) unfold('#gallery-panel');
    return fail({ said: found.problem, panel: found.unread });
  }
  following = found.following;
  if (!found.offset && sent) {
    sent = false;
    chipped(found);
  }
  if (!found.offset) {
    waiting = false;
    answer = found;
    rows = [];
    heard = found.stamp;
    follows = found.follows;
    news = null;
    kept = found.kept ?? JSON.parse(stored('searches') || '[]');
    board.classList.remove('stale');
    clear();
    if (current >= 0) { current = -1; listed = null; drawer.hidden = true; board.classList.remove('beside'); }
    lastPick = -1;
  }
  rows.push(...found.rows);
  if (!found.offset) askMap();
  layOut(found.offset ? rows.length - found.rows.length : 0);
  // Around a further page nothing changes; to draw it all again would hold up the scrolling.
  if (found.offset) drawDrawer(); else draw();
  if (wanted >= 0) { const next = wanted; wanted = -1; if (!drawer.hidden) show(next); }
});
// Photographs that have just come are all shown: what was asked before was asked of others. The
// words stay in the field, for Enter.
window.addEventListener('clipapp:came', () => {
  clearTimeout(timer);
  asked = fresh();
  before = null;
  held = true;
  address.set({ ...inAddress(), gallery: 'mine' }, { push: here() });
  drawTerms();
});
let again = 0;
window.addEventListener('clipapp:gallery', ({ detail: why }) => {
  known = true;
  if (why === 'visit' && (answer || problem)) return heed();
  forgetMap();
  clearTimeout(again);
  again = setTimeout(() => {
    // A visit that is told of twice may be answered by now; who has begun something is offered news.
    if (!here() || (why === 'visit' && answer)) return;
    if (why === 'news' && heard && !waiting && busy()) return offer();
    if (!answer) {
      asked = { ...asked, ...fromAddress(address.get()) };
      query.value ||= asked.query;
    }
    changed(); // with what has been typed meanwhile
  }, answer ? 700 : 0);
});
window.clipApp.onAddress((now) => {
  if (now.tab !== 'gallery') return;
  const key = now.gallery ?? '';
  if (asMap !== (now.view === 'map')) { asMap = !asMap; showView(); }
  if (key === gallery && Object.entries(inAddress()).every(([name, value]) => value === (now[name] ?? ''))) return;
  clearTimeout(timer);
  draft = false;
  before = null;
  held = false;
  asked = { ...asked, ...fromAddress(now), liked: [] };
  query.value = asked.query;
  drawTerms();
  const wanted = galleries.find((one) => one.key === key) ?? first();
  if (key && wanted?.key !== key) ignored = [key, ...ignored];
  if (wanted && key !== gallery) choose(wanted); else ask();
});
const choose = (one) => {
  gallery = keyOf(one);
  waiting = true;
  counted();
  board.classList.add('stale');
  trigger('choose', { folder: one.folder });
};
find('.gallery select').addEventListener('change', ({ target }) => {
  asked = { ...asked, below: '', liked: [], among: '' };
  choose(galleries.find((one) => one.folder === target.value));
  address.set(inAddress(), { push: true });
});
// Panels above the search, which are seen only while they are open; their own heads close them.
const unfold = (panel) => document.querySelector(`${panel} .label-wrap:not(.open)`)?.click();
const panels = [['.add', '#gallery-panel'], ['.tidy', '#sorting'], ['.copies', '#copies'], ['.problem button', '#gallery-panel']];
for (const [button, panel] of panels)
  find(button).addEventListener('click', () => {
    unfold(panel);
    requestAnimationFrame(() => {
      document.querySelector(panel).scrollIntoView({ block: 'nearest' });
      document.querySelector(`${panel} .label-wrap`).focus({ preventScroll: true });
    });
  });

