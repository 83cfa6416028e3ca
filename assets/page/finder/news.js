// What others change in the gallery that is shown: a followed folder, or another tab of this page.
const HEED = 3000; // ms until it is asked again what a followed gallery has read
const HEADER = 56; // px of the window that the page's header covers
const SELDOM = 5; // times as long, for one that is not followed
let quiet = 0;
let heard = null; // the stamp of the last state that was told of
let follows = null;
let last = null; // what was told, for a panel that is opened later
let news = null; // how many photographs more there are than are shown, while that is offered
const heed = async () => {
  const quietly = () => !document.hidden && here() && !waiting && answer && follows !== null;
  if (!quietly()) return;
  const now = await server.news_of(find('.gallery select').value).catch(() => null);
  if (quietly() && JSON.stringify(now) !== JSON.stringify([heard, follows])) trigger('heed', { stamp: heard, follows });
};
// One that is not followed is asked of now and then: others may let it be, or read it from a terminal.
setInterval(() => { quiet = (quiet + 1) % SELDOM; if (follows || !quiet) heed(); }, HEED);
for (const type of ['focus', 'visibilitychange']) window.addEventListener(type, heed);
window.addEventListener('clipapp:follows', ({ detail }) => { follows = detail; });

// It is shown at once where that takes nothing away: nothing is selected, open, scrolled to, under
// the keyboard, half typed or steered on the map. Else it is offered.
const busy = () => asMap || picks.size || all || current >= 0 || rows.length > answer.rows.length
  || board.getBoundingClientRect().top < HEADER || board.contains(document.activeElement)
  || filters.open || (!held && query.value.trim() !== asked.query);
const askAgain = (why) => window.dispatchEvent(new CustomEvent('clipapp:gallery', { detail: why }));
const offer = () => {
  news = heard[1] - answer.stamp[1];
  drawNews();
};
const drawNews = () => {
  const line = find('.news');
  line.hidden = news === null;
  line.firstChild.textContent = news === null ? '' : say(news > 0 ? 'find_news' : 'find_news_other', { number: number(news) });
  line.lastChild.textContent = say('find_news_show');
};
window.addEventListener('clipapp:heard', ({ detail: told }) => {
  if (!told || told.progress || !answer) return;
  last = told;
  follows = told.follows;
  if (String(told.stamp) === String(heard)) return;
  heard = told.stamp;
  if (!heard || !busy()) return askAgain('news');
  offer();
});
window.addEventListener('clipapp:panel', () => {
  if (last?.stamp && last.stamp[0] === answer?.stamp?.[0]) window.dispatchEvent(new CustomEvent('clipapp:heard', { detail: last }));
});
find('.news button').addEventListener('click', () => { window.scrollTo({ top: 0 }); askAgain(); });
