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
const megabytes = (bytes) =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
/** What `image_file_too_large` says of a file that may not be uploaded; null of one that may. */
const tooLarge = ({ name, size }) => {
  const limit = window.gradio_config.max_file_size ?? Infinity;
  return size > limit ? { name, megabytes: Math.ceil(size / 1e6), limit: Math.floor(limit / 1e6) } : null;
};

