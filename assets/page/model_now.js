// Which model answers now: another visitor may have put another in its place. While one is on its
// way, that is asked again and again; else when someone does something on the page or comes back to
// it. A page that nobody looks at asks nothing.
const PAUSE = 2000; // ms between two questions
let told = window.clipAppShell.model; // see `told` of clip_app/ui/tabs/model.py
let asked = Date.now(); // when it was told that
let timer = 0;
let soon = false; // whether the next question waits for the end of the pause only
const later = (milliseconds) => {
  clearTimeout(timer);
  timer = setTimeout(ask, asked + milliseconds - Date.now());
};
const ask = async () => {
  soon = false;
  if (document.hidden) return;
  asked = Date.now();
  const now = await server.model_now().catch(() => null);
  if (now) {
    window.clipApp.model(now);
    if (now.name !== told.name) trigger('other');
    told = now;
  }
  if (told.again) later(1000 * told.again);
};
const heed = () => {
  if (soon || document.hidden) return;
  soon = true;
  later(PAUSE);
};
for (const type of ['pointerdown', 'keydown', 'click', 'drop']) window.addEventListener(type, heed, true);
for (const type of ['focus', 'visibilitychange']) window.addEventListener(type, heed);
if (told.again) later(1000 * told.again);
