"""Which language the browser shows, and changing it without losing what is on the page.

Gradio translates in the browser, by `navigator.language`, and misses plain `zh` and `zh-HK`
(gradio issue 11087). Its settings page changes the language through `changeLocale` of its `core`
module; the same function, found among the scripts the page has loaded, serves here. Should a later
Gradio lack it, the words of the server still follow the switch.
"""

_APPLY = """
const apply = async (language) => {
  const core = performance.getEntriesByType('resource')
    .map((entry) => entry.name).find((name) => /\\/core-[\\w-]+\\.js$/.test(name));
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  if (!core) return;
  const { changeLocale } = await import(core);
  if (changeLocale) changeLocale(language === 'zh' ? 'zh-CN' : 'en');
};
"""

#: On load: the visitor's own choice, else the app's setting, else the browser's languages.
DETECT_LANGUAGE = (
    "async () => {"
    + _APPLY
    + """
  let chosen = null;
  try { chosen = localStorage.getItem('clip_app.language'); } catch { /* storage is blocked */ }
  const wanted = navigator.languages?.length ? navigator.languages : [navigator.language || 'en'];
  const known = wanted.map((tag) => tag.toLowerCase().split(/[-_]/)[0])
    .find((tag) => tag === 'zh' || tag === 'en');
  const language = ['zh', 'en'].includes(chosen) ? chosen : (FIXED || known || 'en');
  await apply(language);
  return language;
}"""
)

#: On the switch: show it now and remember it in this browser.
APPLY_LANGUAGE = (
    "async (language) => {"
    + _APPLY
    + """
  try { localStorage.setItem('clip_app.language', language); } catch { /* storage is blocked */ }
  await apply(language);
}"""
)
