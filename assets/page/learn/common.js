// What the steps of the tab 原理 share.
/** Calls `ask` once, when this part comes into view: nothing is computed for those who do not look. */
const whenSeen = (ask) => new IntersectionObserver(([entry], watching) => {
  if (!entry.isIntersecting) return;
  watching.disconnect();
  ask();
}, { rootMargin: '400px' }).observe(element);
const sum = (values) => values.reduce((total, one) => total + one, 0);
const mean = (values) => sum(values) / values.length;
/** Softmax of scale · cosines. */
const shares = (cosines, scale) => {
  const top = Math.max(...cosines);
  const powers = cosines.map((one) => Math.exp(scale * (one - top)));
  const total = sum(powers);
  return powers.map((one) => one / total);
};
/** -ln of the share that the one at `right` has, without rounding a share of 0. */
const surprise = (cosines, right, scale) => {
  const top = Math.max(...cosines);
  return Math.log(sum(cosines.map((one) => Math.exp(scale * (one - top))))) - scale * (cosines[right] - top);
};
/** Both directions of the contrastive loss: rows[i][j] is photo i with caption j, i = j a pair. */
const losses = (rows, scale) => ({
  byImage: rows.map((row, i) => surprise(row, i, scale)),
  byText: rows.map((_, j) => surprise(rows.map((row) => row[j]), j, scale)),
});
