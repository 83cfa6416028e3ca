// What parts that draw themselves share: words, small elements, addresses of served files.
const language = () => window.clipApp.lang();
// As `text` of clip_app/strings: one of a thing is said otherwise than many.
const say = (key, values = {}) =>
  props.words[language()][key]
    .replace(/\[(\w+):([^|\]]*)\|([^\]]*)\]/g, (_, name, one, many) => (String(values[name]) === '1' ? one : many))
    .replace(/\{(\w+)\}/g, (_, name) => values[name]);
const both = (sentence) => sentence[language()];
const make = (tag, properties = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};
const find = (selector) => element.querySelector(selector);
const served = (path) => {
  const { root, api_prefix: prefix } = window.gradio_config;
  return `${root}${prefix}/file=${path.split('/').map(encodeURIComponent).join('/')}`;
};
// As `percent` of clip_app/ui/html.py: nothing that is not is called 0 or 100.
const percent = (score) => {
  const shown = (100 * score).toFixed(1);
  if (shown === '0.0' && score > 0) return '<0.1 %';
  return shown === '100.0' && score < 1 ? '>99.9 %' : `${shown} %`;
};
/** A number to read, with a minus sign, and no minus before a zero. */
const decimal = (value, digits = 3) => value.toFixed(digits).replace(/^-(0\.0+)$/, '$1').replace('-', '−');
/** A file's name or path for a narrow place: it breaks after its signs, where these are far between also before its ending. */
const breakable = (name) => name.split(/(?<=[_/-])|(?<=[^_/-]{12})(?=\.[a-z]\w*$)/i).flatMap((one, at) => (at ? [make('wbr'), one] : [one]));
const colour = (position) => `var(--label-${position % 8}, var(--accent, #3b46c4))`;
/** The picture among files that are dropped or pasted; where there is none the first file, of which the server says why not. */
const pictureIn = (data) => {
  const files = [...(data?.files ?? [])];
  return files.find((one) => /^image\/|^$/.test(one.type)) ?? files[0];
};
/** Whether files are dragged; words that are moved within a field are the browser's to drop. */
const dragsFiles = (event) => event.dataTransfer?.types.includes('Files');
const megabytes = (bytes) =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
/** Upload a file, until `signal` ends it. Returns its `name`, and its `path` and `url` on the server, or the `problem`: `key` and
 *  `values` of what to say. Gradio's own `upload` cannot be ended, and raises an English toast for each file that fails. */
const send = async (file, name = file.name, signal = null) => {
  const limit = window.gradio_config.max_file_size ?? Infinity;
  if (file.size > limit) {
    const values = { name, megabytes: Math.ceil(file.size / 1e6), limit: Math.floor(limit / 1e6) };
    return { name, problem: { key: 'image_file_too_large', values } };
  }
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    return { name, problem: { key: 'sent_unreadable', values: { name } } };
  }
  try {
    const { root, api_prefix: prefix } = window.gradio_config;
    const body = new FormData();
    body.append('files', file);
    const answer = await fetch(`${root}${prefix}/upload`, { method: 'POST', body, signal });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const [path] = await answer.json();
    return { name, path, url: served(path) };
  } catch (error) {
    if (!signal?.aborted) console.error(error);
    return { name, problem: { key: 'sent_lost', values: { name } } };
  }
};

