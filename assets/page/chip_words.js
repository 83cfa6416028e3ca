// The words of chips: how a list is written, and which ready-made one it is.
const SEPARATORS = /[,，、;；\t\n\r]/;
const ENDS = /[\s,，、;；]+$/;
const UNCLEAR = /[,，、;；\t\n\r"'`“”‘’„「」『』«»＂﹁﹂()（）[\]{}]|^\s*[-*+•●\d]/; // the server splits it

const folded = (text) => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
// What the server would take apart, or take a number from, is written as programs write a list.
const odd = (word) => SEPARATORS.test(word) || /^(\d+[.．)）]|[\s"'“‘「『[{(（*•●+-])/.test(word);
const joined = (words) => {
  if (words.some(odd)) return JSON.stringify(words);
  return words.join(words.some((one) => /[\u3400-\u9fff]/.test(one)) ? '，' : ', ');
};
// ---- what is ready-made
const exampleWords = (index, spoken) => props.examples[index].labels[spoken];
const setOf = (key) => props.sets.find((one) => one.key === key);
const wordsOf = (one, spoken) =>
  one.kind === 'example' ? exampleWords(one.key, spoken) : setOf(one.key).labels[spoken];
const same = (one, other) => one.length === other.length && one.every((x, i) => x === other[i]);
const known = (words) => {
  for (const spoken of ['zh', 'en']) {
    const key = props.examples.findIndex((one) => same(one.labels[spoken], words));
    if (key >= 0) return { kind: 'example', key };
    const set = props.sets.find((one) => same(one.labels[spoken], words));
    if (set) return { kind: 'set', key: set.key };
  }
  return null;
};

